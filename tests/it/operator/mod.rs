//! The operator against a real API server, running as its service account with exactly the permissions of `deploy`.

mod campaign;
pub mod component;
mod config_maps;
mod crowd;
mod deploy;
pub mod deviations;
mod faults;
mod flood;
mod fresh;
mod hostile;
mod inventory;
mod lifecycle;
mod memory;
mod observe;
mod permissions;
mod precision;
mod restart;
pub mod scene;
pub mod secrets;
mod together;
mod triage;
