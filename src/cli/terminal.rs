//! What is at the other end of the output.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write, stderr, stdout};

use anyhow::Context;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// When to colour the output.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Whether standard output is to be coloured.
    pub(super) fn is_wanted(self) -> bool {
        match self {
            Self::Auto => stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Writes the result of a command to standard output. Whoever reads it may stop reading: that is no failure.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut output = stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot print"),
    }
}

/// Writes a line beside the result, to standard error. If nobody can read it, the command goes on.
pub(super) fn tell(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}

/// A bar for work on so many bytes, on a terminal.
pub(super) fn progress(bytes: u64) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr_with_hz(5));
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// How wide the terminal at standard output is; `None` if it is none.
pub(super) fn width() -> Option<u16> {
    if !stdout().is_terminal() {
        return None;
    }
    let (_, columns) = console::Term::stdout().size_checked()?;
    Some(columns)
}
