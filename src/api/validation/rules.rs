//! The CEL rules of the schema, run as the API server runs them (`apiserver/schema/cel/validation.go`).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use kube::core::cel::KubeCelExt;
use kube::core::cel::cel::extractors::This;
use kube::core::cel::cel::{Context, ExecutionError, Program, Value as Cel, functions};
use regex::Regex;
use serde_json::Value;

use super::schema::{Schema, child};
use super::{Invalid, MOST_REPORTED};

/// What the rules can call.
static FUNCTIONS: LazyLock<Context<'static>> = LazyLock::new(|| {
    let mut context = Context::default().with_all();
    context.add_function("matches", matches);
    context.add_function("size", size);
    context.add_function("timestamp", timestamp);
    context
});

/// The patterns of the rules, compiled. None comes from an object, so there are only so many.
static PATTERNS: LazyLock<RwLock<HashMap<String, Regex>>> = LazyLock::new(RwLock::default);

/// A rule of the schema, compiled once.
pub(super) struct Rule {
    program: Result<Program, String>,
    message: String,
}

impl Rule {
    /// Reads an entry of `x-kubernetes-validations`. A rule that does not compile refuses everything, as on the server.
    pub fn read(entry: &Value) -> Self {
        let program = Program::compile(entry["rule"].as_str().unwrap_or_default()).map_err(|error| error.to_string());
        Self { program, message: entry["message"].as_str().unwrap_or_default().trim().to_owned() }
    }
}

/// Collects the rules that do not hold: those of an object before those of its fields. The form of the object has to be right:
/// the limits on its lists and texts are what bounds the work here.
pub(super) fn check(value: &Value, schema: &Schema, found: &mut Vec<Invalid>) {
    visit(value, schema, "", found);
}

fn visit(value: &Value, schema: &Schema, path: &str, found: &mut Vec<Invalid>) {
    if value.is_null() || found.len() >= MOST_REPORTED {
        return;
    }
    if !schema.rules.is_empty() {
        let mut context = FUNCTIONS.new_inner_scope();
        context.add_variable_from_value("self", cel(value));
        found.extend(schema.rules.iter().filter_map(|rule| broken(rule, &context, value, schema, path)));
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let Some(inner) = schema.field(name) {
                    visit(value, inner, &child(path, name), found);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = schema.items.as_deref() {
                for (index, item) in items.iter().enumerate() {
                    visit(item, inner, &format!("{path}[{index}]"), found);
                }
            }
        }
        _ => {}
    }
}

fn broken(rule: &Rule, context: &Context, value: &Value, schema: &Schema, path: &str) -> Option<Invalid> {
    let message = &rule.message;
    let failed = |why: &str| Some(Invalid::text(path, &schema.kind, why));
    match rule.program.as_ref().map(|program| program.execute(context)) {
        Ok(Ok(Cel::Bool(true))) => None,
        Ok(Ok(_)) if value.is_object() || value.is_array() => {
            Some(Invalid::new(path, format!("Invalid value: {message}")))
        }
        Ok(Ok(_)) => Some(Invalid::value(path, value, message)),
        Ok(Err(ExecutionError::FunctionError { message: error, .. })) => {
            failed(&format!("{error} evaluating rule: {message}"))
        }
        Ok(Err(error)) => failed(&format!("{error} evaluating rule: {message}")),
        Err(error) => failed(&format!("rule compile error: {error}")),
    }
}

/// The value as rules see it: a field that is null is not there.
fn cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(yes) => Cel::Bool(*yes),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Cel::Float(number.as_f64().unwrap_or(f64::NAN)), Cel::Int)
        }
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(items) => Cel::List(Arc::new(items.iter().map(cel).collect())),
        Value::Object(fields) => {
            let given = fields.iter().filter(|(_, value)| !value.is_null());
            Cel::Map(given.map(|(name, value)| (name.clone(), cel(value))).collect::<HashMap<_, _>>().into())
        }
    }
}

/// `matches` compiles its pattern at every call otherwise, and that is most of the work.
#[allow(clippy::needless_pass_by_value, reason = "the signature that the interpreter calls")]
fn matches(This(text): This<Arc<String>>, pattern: Arc<String>) -> Result<bool, ExecutionError> {
    if let Some(compiled) = PATTERNS.read().unwrap_or_else(PoisonError::into_inner).get(pattern.as_str()) {
        return Ok(compiled.is_match(&text));
    }
    let compiled =
        Regex::new(&pattern).map_err(|error| ExecutionError::function_error("matches", error.to_string()))?;
    let matched = compiled.is_match(&text);
    PATTERNS.write().unwrap_or_else(PoisonError::into_inner).insert(pattern.as_str().to_owned(), compiled);
    Ok(matched)
}

/// `size` counts bytes otherwise, where CEL counts characters.
fn size(This(value): This<Cel>) -> Result<i64, ExecutionError> {
    let size = match &value {
        Cel::String(text) => text.chars().count(),
        Cel::List(items) => items.len(),
        Cel::Map(fields) => fields.map.len(),
        _ => return Err(ExecutionError::function_error("size", "no such overload")),
    };
    i64::try_from(size).map_err(|error| ExecutionError::function_error("size", error.to_string()))
}

/// `timestamp` with the limits of the server, and its words: the years 1 to 9999, and no leap seconds.
fn timestamp(text: Arc<String>) -> Result<Cel, ExecutionError> {
    let unreadable = "type conversion error from 'string' to 'google.protobuf.Timestamp'";
    let refused = |why: &str| ExecutionError::function_error("timestamp", why);
    if text.get(17..19) == Some("60") {
        return Err(refused(unreadable));
    }
    let time = functions::timestamp(text).map_err(|_| refused(unreadable))?;
    match &time {
        Cel::Timestamp(time) if !(FIRST_SECOND..=LAST_SECOND).contains(&time.timestamp()) => {
            Err(refused("timestamp overflow"))
        }
        _ => Ok(time),
    }
}

/// Whether a text is a time as the server reads it.
pub(super) fn is_time(text: &str) -> bool {
    timestamp(Arc::new(text.to_owned())).is_ok()
}

/// `0001-01-01T00:00:00Z`.
const FIRST_SECOND: i64 = -62_135_596_800;
/// `9999-12-31T23:59:59Z`.
const LAST_SECOND: i64 = 253_402_300_799;
