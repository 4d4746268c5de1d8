//! What a name, a label and the like may look like: `k8s.io/apimachinery`, `api/validate/content` and `util/validation`.

use std::sync::LazyLock;

use regex::Regex;

const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

const MOST_OF_SUBDOMAIN: usize = 253;
const MOST_OF_LABEL: usize = 63;

static IS_SUBDOMAIN: LazyLock<Option<Regex>> = LazyLock::new(|| whole(SUBDOMAIN));
static IS_KEY: LazyLock<Option<Regex>> = LazyLock::new(|| whole(KEY));
static IS_VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| whole(VALUE));

fn whole(pattern: &str) -> Option<Regex> {
    Regex::new(&format!("^(?:{pattern})$")).ok()
}

fn fits(pattern: Option<&Regex>, text: &str) -> bool {
    pattern.is_some_and(|pattern| pattern.is_match(text))
}

/// What is wrong with the name of an object.
pub(super) fn of_object(name: &str) -> Vec<String> {
    subdomain(name, "characters")
}

/// What is wrong with the beginning of a name that the server completes.
pub(super) fn of_generated(beginning: &str) -> Vec<String> {
    // The server looks past a dash at the end, and past the character before it.
    let rest = beginning.strip_suffix('-').and_then(|rest| rest.get(..rest.len().checked_sub(1)?));
    rest.map_or_else(|| of_object(beginning), |rest| of_object(&format!("{rest}a")))
}

fn subdomain(text: &str, unit: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > MOST_OF_SUBDOMAIN {
        wrong.push(format!("must be no more than {MOST_OF_SUBDOMAIN} {unit}"));
    }
    if !fits(IS_SUBDOMAIN.as_ref(), text) {
        wrong.push(format!(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and \
             end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SUBDOMAIN}')"
        ));
    }
    wrong
}

/// What is wrong with the key of a label or with what looks like one: names of annotations and finalizers.
pub(super) fn of_label(key: &str) -> Vec<String> {
    let grammar = format!(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
         'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{KEY}')"
    );
    let mut wrong = Vec::new();
    let name = match key.split('/').collect::<Vec<_>>()[..] {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                wrong.push("prefix part must be non-empty".to_owned());
            } else {
                wrong.extend(subdomain(prefix, "bytes").into_iter().map(|wrong| format!("prefix part {wrong}")));
            }
            name
        }
        _ => {
            return vec![format!(
                "a valid label key {grammar} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > MOST_OF_LABEL {
        wrong.push(format!("name part must be no more than {MOST_OF_LABEL} bytes"));
    }
    if !fits(IS_KEY.as_ref(), name) {
        wrong.push(format!("name part {grammar}"));
    }
    wrong
}

/// What is wrong with the value of a label.
pub(super) fn of_label_value(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > MOST_OF_LABEL {
        wrong.push(format!("must be no more than {MOST_OF_LABEL} bytes"));
    }
    if !fits(IS_VALUE.as_ref(), value) {
        wrong.push(format!(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end \
             with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '{VALUE}')"
        ));
    }
    wrong
}
