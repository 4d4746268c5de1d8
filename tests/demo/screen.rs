//! What the demo prints, with colours where a person looks at it.

use std::io::{IsTerminal, Write, stderr, stdout};

/// The longest line of a list that is shown in full.
const WIDTH: usize = 160;

/// Standard output.
pub struct Screen {
    colours: bool,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

impl Screen {
    pub fn of_process() -> Self {
        Self { colours: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    #[expect(clippy::unused_self, reason = "whoever prints, prints on the screen")]
    pub fn line(&self, text: &str) {
        // Whoever closes the pipe has seen enough.
        let _ = writeln!(stdout().lock(), "{text}");
    }

    /// What happens now.
    pub fn step(&self, text: &str) {
        self.line(&format!("{} {}", self.paint(CYAN, "==>"), self.paint(BOLD, text)));
    }

    /// What came of a step.
    pub fn note(&self, text: &str) {
        self.line(&format!("    {}", self.paint(DIM, text)));
    }

    pub fn good(&self, text: &str) {
        self.line(&self.paint(GREEN, text));
    }

    pub fn bad(&self, text: &str) {
        self.line(&self.paint(RED, text));
    }

    /// A command and the list that it printed.
    pub fn list(&self, command: &str, output: &str) {
        self.command(command);
        for line in output.lines() {
            let shown: String = line.chars().take(WIDTH).collect();
            let more = if line.chars().count() > WIDTH { "…" } else { "" };
            self.line(&format!("{}{more}", self.by_severity(&shown)));
        }
    }

    /// A command and the text that it printed.
    pub fn text(&self, command: &str, output: &str) {
        self.command(command);
        self.line(output.trim_end());
    }

    fn command(&self, command: &str) {
        self.line(&format!("\n{}", self.paint(BOLD, &format!("$ {command}"))));
    }

    /// What went wrong, on standard error.
    #[expect(clippy::unused_self, reason = "whoever prints, prints on the screen")]
    pub fn problem(&self, text: &str) {
        let _ = writeln!(stderr().lock(), "error: {text}");
    }

    fn by_severity(&self, line: &str) -> String {
        let word = |word| line.split_whitespace().any(|other| other == word);
        if word("Critical") {
            self.paint(RED, line)
        } else if word("High") {
            self.paint(YELLOW, line)
        } else {
            line.to_owned()
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
