//! stub
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}
pub(super) fn main(_: Arguments) -> anyhow::Result<()> { Ok(()) }
