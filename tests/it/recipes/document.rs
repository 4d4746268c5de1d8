//! The fenced blocks of a document, as its readers copy them.

use std::path::Path;

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The heading above it, without the marks.
    pub heading: String,
    /// The language behind the fence.
    pub language: String,
    /// The lines between the fences.
    pub text: String,
}

impl Block {
    /// Whether it holds commands for a shell.
    pub fn is_shell(&self) -> bool {
        matches!(self.language.as_str(), "sh" | "console")
    }

    /// The commands: all lines, or if it shows a session those behind the prompts.
    pub fn script(&self) -> String {
        if !self.text.lines().any(|line| line.starts_with("$ ")) {
            return self.text.clone();
        }
        let mut script = String::new();
        let mut continued = false;
        for line in self.text.lines() {
            if let Some(command) = line.strip_prefix("$ ").or(continued.then_some(line)) {
                script.push_str(command);
                script.push('\n');
                continued = command.ends_with('\\');
            }
        }
        script
    }

    /// Where the file belongs that the block shows, if its first line is a comment that says so.
    pub fn path(&self) -> Option<&str> {
        let path = self.text.lines().next()?.strip_prefix("# ")?;
        let extension = Path::new(path).extension()?;
        (extension == "yaml" || extension == "yml").then_some(path)
    }
}

/// The blocks of a document of `docs`.
pub fn blocks(document: &str) -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(document);
    read(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The block that shows this file.
pub fn file(blocks: &[Block], path: &str) -> Block {
    let mut found = blocks.iter().filter(|block| block.path() == Some(path));
    let block = found.next().unwrap_or_else(|| panic!("no block shows {path}"));
    assert_eq!(found.next(), None, "two blocks show {path}");
    block.clone()
}

fn read(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut heading = String::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                let (heading, language) = (heading.clone(), language.to_owned());
                open = Some(Block { heading, language, text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) if line.starts_with('#') => line.trim_start_matches('#').trim().clone_into(&mut heading),
            (None, None) => {}
        }
    }
    assert_eq!(open, None, "a fence is not closed");
    blocks
}

#[test]
fn blocks_are_read_with_their_headings() {
    let text = "# A\n```sh\n# not a heading\na | b\n```\n### B c\ntext\n```console\n$ one \\\n  two\nout\n$ three\n```\n```\nx\n```\n";
    let blocks = read(text);
    let seen: Vec<_> = blocks.iter().map(|b| (b.heading.as_str(), b.language.as_str(), b.is_shell())).collect();
    assert_eq!(seen, [("A", "sh", true), ("B c", "console", true), ("B c", "", false)]);
    assert_eq!(blocks[0].script(), "# not a heading\na | b\n");
    assert_eq!(blocks[1].script(), "one \\\n  two\nthree\n");
    assert_eq!(blocks[0].path(), None);
    let file = Block { text: "# a/b.yaml\nc: d\n".to_owned(), ..blocks[2].clone() };
    assert_eq!(file.path(), Some("a/b.yaml"));
}
