//! The operator against a real API server, running as its service account with exactly the permissions of `deploy`.

mod lifecycle;
pub mod scene;
