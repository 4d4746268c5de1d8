//! `cronwarden completion` and `cronwarden man`: what shells and `man` need to know of the command line.

use std::path::PathBuf;

use anyhow::Context;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::terminal::print;

/// What `cronwarden completion` is told.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionArguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// What `cronwarden man` is told.
#[derive(Debug, clap::Args)]
pub(super) struct ManArguments {
    /// Write one page for each command into this folder.
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub(super) fn completion(arguments: &CompletionArguments, mut command: Command) -> anyhow::Result<()> {
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut text);
    print(&String::from_utf8_lossy(&text))
}

pub(super) fn man(arguments: &ManArguments, command: Command) -> anyhow::Result<()> {
    if let Some(folder) = &arguments.output {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        return clap_mangen::generate_to(command, folder)
            .with_context(|| format!("cannot write the pages into {}", folder.display()));
    }
    let mut text = Vec::new();
    Man::new(command).render(&mut text).context("cannot render the page")?;
    print(&String::from_utf8_lossy(&text))
}
