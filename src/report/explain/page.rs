//! What a code means, as a page of a manual.

use super::super::words::Code;
use crate::api::finding::Attack;

/// How wide the text of a page is, in characters.
const WIDTH: usize = 80;

/// The page of a code, however its letters are written; nothing if there is no such code. It ends with a line break.
pub fn code(code: &str) -> Option<String> {
    let code = Code::all().find(|known| known.as_str().eq_ignore_ascii_case(code))?;
    let Attack { technique, detection_strategy, analytic } = Attack::default();
    let kind = match code {
        Code::Deviation(code) => format!("deviation, {}", code.severity()),
        Code::Risk(_) => "risk".to_owned(),
    };
    let mut paragraphs = vec![format!("{} ({kind})", code.as_str()), code.meaning().to_owned()];
    if code.help() != code.meaning() {
        paragraphs.push(code.help().to_owned());
    }
    paragraphs.push(code.effect());
    paragraphs.push(format!("MITRE ATT&CK: {technique}, {detection_strategy}, {analytic}"));
    let wrapped: Vec<String> = paragraphs.iter().map(|paragraph| wrap(paragraph)).collect();
    Some(wrapped.join("\n\n") + "\n")
}

fn wrap(paragraph: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page() {
        for known in Code::all() {
            let page = code(&known.as_str().to_lowercase()).unwrap();
            assert!(page.starts_with(known.as_str()), "{page}");
            assert!(page.lines().all(|line| line.chars().count() <= WIDTH), "{page}");
        }
        assert_eq!(code("Nonsense"), None);
    }
}
