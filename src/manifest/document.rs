//! One document of a stream of manifests.

/// The largest document that is read, in bytes. A list of 10,000 CronJobs, as `kubectl get` prints it, takes 33 MB in YAML and 81 MB in
/// JSON.
pub const LARGEST_DOCUMENT: usize = 90 * 1024 * 1024;

/// One document's text and where it starts in its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The text. A line end is added where the last line of the source lacks one, as `kubectl` does.
    pub text: Vec<u8>,
    /// The offset of its first byte in the source.
    pub offset: u64,
    /// The line of its first byte in the source, from 1.
    pub line: u64,
}

/// A document that cannot be read. What follows in the stream still can, unless reading itself failed.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The source cannot be read.
    #[error("the manifest cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A document is larger than [`LARGEST_DOCUMENT`].
    #[error("line {line}: the document that starts here is larger than {limit} bytes: split it with lines of `---`")]
    TooLarge {
        /// The line on which the document starts.
        line: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// Something stands behind `---` on the same line. `kubectl` reads neither the document before nor anything after it.
    #[error("line {line}: kubectl allows only a comment behind `---`: put the text on a line of its own")]
    Separator {
        /// The line of the separator.
        line: u64,
    },
    /// After several JSON values comes something that is no JSON. `kubectl` reads nothing from here on.
    #[error("line {line}: this is not JSON, and after several JSON values kubectl reads nothing else: {reason}")]
    NotJson {
        /// The line on which the text starts that is no JSON.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}
