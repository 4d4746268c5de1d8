//! Who did it, as a real API server tells it: by its audit webhook, its audit log and its admission webhooks. The operator runs as the
//! service account of `deploy`, people use `kubectl`, and programs have tokens of service accounts.

mod admission;
mod approvals;
mod attribution;
mod deletion;
mod downtime;
mod order;
mod paths;
mod required;
mod silence;
pub mod stage;
mod tampering;
