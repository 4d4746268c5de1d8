//! What is wrong with a configuration, all of it at once.

use std::fmt;

/// What is wrong with a field of a configuration, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the field, such as `deploymentPaths[0].users[1]`.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// What is wrong so far. Everything is compiled as far as possible, so that all of it is told at once.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { field: field.into(), message: message.into() });
    }

    /// Checks a name. `what` says what it is the name of.
    pub(crate) fn name(&mut self, field: &str, name: &str, what: &str, longest: usize) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > longest || !name.chars().all(is_plain) {
            let mend = format!("use 1 to {longest} letters, digits, '-', '_' and '.'");
            self.add(field, format!("{name:?} cannot name {what}: {mend}"));
        }
    }

    /// Reads each entry of a list. What cannot be read is left out.
    pub(crate) fn each<T, E: fmt::Display>(
        &mut self,
        field: &str,
        list: &[String],
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let mut found = Vec::new();
        for (index, text) in list.iter().enumerate() {
            match read(text) {
                Ok(one) => found.push(one),
                Err(error) => self.add(format!("{field}[{index}]"), error.to_string()),
            }
        }
        found
    }

    /// What was compiled, if nothing is wrong.
    pub(crate) fn finish<T>(self, compiled: T) -> Result<T, Vec<Problem>> {
        if self.0.is_empty() { Ok(compiled) } else { Err(self.0) }
    }
}
