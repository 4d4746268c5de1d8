//! The command line as people and pipelines use it: the binary, with files and with a cluster.

mod approve;
mod baseline;
mod broken;
mod certificates;
mod cluster;
mod configuration;
mod explain;
pub mod folder;
mod forms;
mod large;
mod lineage;
mod manual;
mod replay;
mod scan;
mod secrets;
