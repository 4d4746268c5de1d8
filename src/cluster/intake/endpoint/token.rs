//! The secret that a sender has to know.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A shorter token could be found by trying.
const SHORTEST: usize = 32;
/// A longer one would not fit into a path everywhere.
const LONGEST: usize = 512;

/// A secret that a sender has to know. Only its hash is held.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token([u8; 32]);

/// Why a file has no usable token. Says nothing of what is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    /// Too short to be a secret, or too long for a path.
    #[error(
        "the token has {0} characters: it takes {SHORTEST} to {LONGEST}, such as `openssl rand -hex 32` makes them"
    )]
    Length(usize),
    /// Characters that cannot be in a path as they are.
    #[error("the token may consist of letters, digits, `-`, `_`, `.` and `~` only, as it may be a part of a URL")]
    Characters,
}

impl Token {
    /// The token in a file: all of it but white space around it.
    pub(super) fn read(text: &[u8]) -> Result<Self, TokenError> {
        let text = text.trim_ascii();
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err(TokenError::Length(text.len()));
        }
        if !text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte)) {
            return Err(TokenError::Characters);
        }
        Ok(Self(Sha256::digest(text).into()))
    }

    /// Whether this is the token. How long it takes tells nothing about the token.
    pub(super) fn is(&self, candidate: &str) -> bool {
        let candidate: [u8; 32] = Sha256::digest(candidate.as_bytes()).into();
        self.0.ct_eq(&candidate).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789ABCDEF";

    #[test]
    fn white_space_around_it_is_no_part_of_it() {
        let token = Token::read(format!("{SECRET}\n").as_bytes()).unwrap();
        assert!(token.is(SECRET));
        assert!(!token.is(&SECRET[1..]));
        assert!(!token.is(""));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        assert_eq!(Token::read(b" \n").err(), Some(TokenError::Length(0)));
        assert_eq!(Token::read(&SECRET.as_bytes()[1..]).err(), Some(TokenError::Length(31)));
        assert_eq!(Token::read(&[b'a'; 513]).err(), Some(TokenError::Length(513)));
        assert_eq!(Token::read(format!("{SECRET}/").as_bytes()).err(), Some(TokenError::Characters));
        assert_eq!(Token::read(format!("{SECRET}\n{SECRET}").as_bytes()).err(), Some(TokenError::Characters));
    }
}
