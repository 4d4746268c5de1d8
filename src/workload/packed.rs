//! The form in which workloads are kept in memory: a few hundred bytes each instead of several kilobytes.

use sha2::{Digest, Sha256};

use super::redact::hex;
use super::{Unreadable, Workload};

/// The largest workload that is judged, in bytes of its packed form. Ten times what the largest known legitimate CronJobs
/// need; anyone who may create CronJobs could fill the memory of the operator otherwise.
pub const LARGEST: usize = 128 * 1024;

/// A [`Workload`] in serialised form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Packed(Box<[u8]>);

impl Packed {
    /// Packs a workload. Fails if it is larger than [`LARGEST`].
    pub fn pack(workload: &Workload) -> Result<Self, Unreadable> {
        let bytes = postcard::to_allocvec(workload).map_err(|error| Unreadable::new(&error.to_string()))?;
        if bytes.len() > LARGEST {
            // The hash makes any change of it another reason: whoever acknowledged the one has not acknowledged the other.
            let digest = hex(&Sha256::digest(&bytes), 16);
            return Err(Unreadable::new(&format!(
                "the fields that are judged take {} bytes, more than the limit of {LARGEST} (sha256 {digest}…)",
                bytes.len()
            )));
        }
        // A copy of the exact size: shrinking in place can leave a block of twice the size to it.
        Ok(Self(Box::from(bytes.as_slice())))
    }

    /// Unpacks the workload. It cannot fail for what [`Packed::pack`] made.
    pub fn unpack(&self) -> Result<Workload, Unreadable> {
        postcard::from_bytes(&self.0).map_err(|error| Unreadable::new(&error.to_string()))
    }

    /// The size in bytes.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}
