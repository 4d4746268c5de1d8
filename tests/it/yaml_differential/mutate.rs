//! Texts made out of others; the same ones on every run.

/// Pieces that mean something to YAML.
const PIECES: &[&str] = &[
    "\n",
    "\n\n",
    " ",
    "  ",
    "\t",
    ": ",
    ":",
    "- ",
    "-",
    "? ",
    "?",
    ", ",
    ",",
    "[",
    "]",
    "{",
    "}",
    "#",
    " #",
    "&x ",
    "*x",
    "*x ",
    "!",
    "! ",
    "!!str ",
    "!!int ",
    "|",
    ">",
    "|-\n",
    ">+\n",
    "|2\n",
    "'",
    "\"",
    "''",
    "\\",
    "\\n",
    "%",
    "@",
    "`",
    "---\n",
    "--- ",
    "...\n",
    "<<: ",
    "~",
    "null",
    "yes",
    "12",
    "0x1f",
    "1e3",
    "a",
    "b: c\n",
    "  d: e\n",
    "\r\n",
    "é",
    "items:\n",
    "kind: CronJob\n",
    "a: &x b\n",
    "- {c: d}\n",
    "{\"a\": 1}",
];

struct Dice(u64);

impl Dice {
    /// An xorshift generator: any sequence will do, as long as it is the same everywhere.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit.max(1)
    }
}

/// So many texts, each a snippet with up to four changes. `CRONWARDEN_YAML_SEED`, a number, gives others.
pub fn all(snippets: &[Vec<u8>], count: usize) -> Vec<Vec<u8>> {
    let seed = std::env::var("CRONWARDEN_YAML_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut dice = Dice(seed.unwrap_or(0x2545_f491_4f6c_dd1d));
    let short: Vec<&Vec<u8>> = snippets.iter().filter(|text| text.len() < 1_500).collect();
    (0..count)
        .map(|_| {
            let mut text = short[dice.below(short.len())].clone();
            for _ in 0..=dice.below(4) {
                change(&mut text, &mut dice, &short);
            }
            text
        })
        .collect()
}

fn change(text: &mut Vec<u8>, dice: &mut Dice, others: &[&Vec<u8>]) {
    let at = dice.below(text.len() + 1);
    let piece = PIECES[dice.below(PIECES.len())].as_bytes().to_vec();
    match dice.below(8) {
        0 | 1 => drop(text.splice(at..at, piece)),
        2 => drop(text.splice(at..(at + 1 + dice.below(3)).min(text.len()), piece)),
        3 => drop(text.drain(at..(at + 1 + dice.below(6)).min(text.len()))),
        4 => {
            let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
            let (first, second) = (dice.below(lines.len()), dice.below(lines.len()));
            if first < lines.len() && second < lines.len() {
                lines.swap(first, second);
            }
            *text = lines.concat();
        }
        5 => {
            // More or less indentation for one line.
            let start = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
            if dice.below(2) == 0 {
                let blanks = vec![b' '; 1 + dice.below(3)];
                drop(text.splice(start..start, blanks));
            } else {
                let blanks = text[start..].iter().take_while(|byte| **byte == b' ').take(2).count();
                text.drain(start..start + blanks);
            }
        }
        6 => drop(text.splice(at..at, others[dice.below(others.len())].clone())),
        _ => {
            let bytes = [b' ', b'\n', b':', b'-', b'#', b'"', b'\'', b',', b'?', b'\t', b'|', b'&', 0xc3, b'x'];
            if let Some(byte) = text.get_mut(at) {
                *byte = bytes[dice.below(bytes.len())];
            }
        }
    }
}
