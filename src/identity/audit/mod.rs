//! Audit events, in every form in which they arrive, as facts.
//!
//! The API server writes `audit.k8s.io/v1` events to a webhook or a log. Few clusters let anybody have them as they are: managed ones
//! export them through a logging service of their own, and log shippers wrap them. So the form is recognised by its shape, record by
//! record, and envelopes may contain envelopes:
//!
//! | form | what it looks like | read by |
//! |---|---|---|
//! | webhook, log file | `EventList`, `Event`, also one after another, one a line, or in an array | `native` |
//! | log shippers | the event as an object or as text in `log`, `message`, `event` and the like | `envelope` |
//! | EKS | subscription data of `CloudWatch`, output of `aws logs`, lines with a time before them | `envelope` |
//! | AKS | diagnostic records, rows of `AzureDiagnostics`, `AKSAudit` and `AKSAuditAdmin` | `envelope`, `native` |
//! | GKE | Cloud Audit Logs, `protoPayload` | `google` |
//!
//! Compressed and base64-encoded text is the caller's to unwrap. Whoever can write to what is read here can say anything of anybody: it
//! must be the audit log alone, from a sender that is known. Lines that were split must have been joined.

mod change;
mod cut;
mod envelope;
mod fields;
mod google;
mod native;
mod request;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::Fact;

/// The most different reasons that are kept of a record.
const MOST_REASONS: usize = 8;

/// What one record says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What was done to our objects, in the order of the record. A `deletecollection` is a fact for each object that it deleted, all with
    /// the same [`Fact::id`].
    pub facts: Vec<Fact>,
    /// How many audit events there are.
    pub events: usize,
    /// How many of them say nothing about a change of our objects: other resources, reads, dry runs, failed requests, other stages,
    /// the status of workloads.
    pub ignored: usize,
    /// What could not be read: events about our objects, and text that is no audit event at all.
    pub unreadable: Vec<Unreadable>,
}

/// Why something in a record could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The reason. It repeats nothing of the record.
    pub reason: &'static str,
    /// How often.
    pub count: usize,
}

impl Reading {
    /// How much could not be read.
    pub fn unreadable_count(&self) -> usize {
        self.unreadable.iter().map(|unreadable| unreadable.count).sum()
    }

    fn cannot_read(&mut self, reason: &'static str) {
        let full = self.unreadable.len() >= MOST_REASONS;
        let known = self.unreadable.iter().position(|unreadable| unreadable.reason == reason);
        match known.or(full.then_some(MOST_REASONS - 1)).and_then(|i| self.unreadable.get_mut(i)) {
            Some(unreadable) => unreadable.count += 1,
            None => self.unreadable.push(Unreadable { reason, count: 1 }),
        }
    }
}

/// What became of one audit event.
#[derive(Clone, Copy)]
enum Outcome {
    /// It became facts, which have been added.
    Fact,
    /// It says nothing about a change of our objects.
    Ignored,
    /// It is about our objects, and cannot be read.
    Unreadable(&'static str),
}

/// Reads one record: the body of a request, or one line of a log, or several lines of one. It may hold many events.
///
/// This never fails: what cannot be read is counted with a reason, and hides nothing else in the record.
pub fn read(text: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(text);
    let mut reading = Reading::default();
    cut::values(&text, |value| match value {
        Ok(value) => envelope::read(value, &mut reading),
        Err(reason) => reading.cannot_read(reason),
    });
    reading
}

/// Whether a line can hold anything of interest: `false` means that [`read`] finds no facts in it. So a log can be skimmed at the speed
/// of memory.
///
/// All resources that facts are about have one of two words in their names. An escaped letter could hide them, or an escaped digit of
/// an escape; nothing that writes JSON escapes either, so the few lines that do are just read.
pub fn may_matter(text: &[u8]) -> bool {
    static WORDS: LazyLock<[Finder<'static>; 2]> =
        LazyLock::new(|| [Finder::new("jobs"), Finder::new("workloadfindings")]);
    static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("u00"));
    let may_hide = |at: usize| match text.get(at + 3..at + 5) {
        Some([b'3', low]) => low.is_ascii_digit(),
        Some([high, _]) => (b'4'..=b'7').contains(high),
        _ => false,
    };
    WORDS.iter().any(|word| word.find(text).is_some()) || ESCAPE.find_iter(text).any(may_hide)
}
