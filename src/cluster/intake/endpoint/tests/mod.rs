mod admission;
mod audit;
pub(in crate::cluster::intake) mod bench;
mod body;
mod credentials;
mod crowd;
mod reload;
