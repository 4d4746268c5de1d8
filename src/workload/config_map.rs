//! What a ConfigMap holds, as hashes: enough to tell that it changed and where, and nothing of the content itself.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use super::redact::{hex, printable};
use crate::api::approval::RecordedConfigMap;

/// Up to how many keys the keys are kept one by one. Above it only the hash of all of them is.
pub const MOST_KEYS: usize = 64;

/// How many characters of a key are shown.
const SHOWN: usize = 64;

/// How many bytes of a hash are kept for each key, and shown of the hash of all.
const SHORT: usize = 16;

/// What the hash of all keys begins with where it is written down.
const ALGORITHM: &str = "sha256:";

/// What a ConfigMap holds, as hashes. Two are equal if and only if the content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMapHashes {
    /// The hash of all keys and values.
    all: [u8; 32],
    /// Each key, in alphabetical order; absent where there are too many.
    keys: Option<Box<[Key]>>,
}

/// A key with the hash of itself and its value.
type Key = (Box<str>, [u8; SHORT]);

/// A key that is not what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyChange<'a> {
    /// The key.
    pub key: &'a str,
    /// What became of it.
    pub kind: KeyChangeKind,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChangeKind {
    /// It has another value, or moved between `data` and `binaryData`.
    Changed,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
}

impl fmt::Display for KeyChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            KeyChangeKind::Changed => "changed",
            KeyChangeKind::Added => "added",
            KeyChangeKind::Removed => "removed",
        };
        write!(f, "key {} {what}", printable(self.key, SHOWN))
    }
}

impl ConfigMapHashes {
    /// Reads a ConfigMap from its JSON text. Each value is hashed as it is read, and not kept. Fails if the text is no ConfigMap; the
    /// reason does not show what it holds.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let Content { data, binary_data } = serde_json::from_str(text)
            .map_err(|error| format!("not a ConfigMap: line {}, column {}", error.line(), error.column()))?;
        let mut keys = data.0;
        keys.extend(binary_data.0);
        Ok(Self::of(keys))
    }

    fn of(keys: BTreeMap<Box<str>, [u8; 32]>) -> Self {
        let mut all = Sha256::new();
        for hash in keys.values() {
            all.update(hash);
        }
        let are_few = keys.len() <= MOST_KEYS;
        let keys = are_few.then(|| keys.into_iter().map(|(key, hash)| (key, shortened(hash))).collect());
        Self { all: all.finalize().into(), keys }
    }

    /// Reads what is recorded of a ConfigMap. `None` if it is nothing that [`Self::recorded`] writes.
    pub fn from_recorded(recorded: &RecordedConfigMap) -> Option<Self> {
        let all = bytes(recorded.hash.strip_prefix(ALGORITHM)?)?;
        let keys: Option<Box<[Key]>> =
            recorded.keys.iter().map(|(key, hash)| Some((key.as_str().into(), bytes(hash)?))).collect();
        let is_empty = all == Self::of(BTreeMap::new()).all;
        Some(Self { all, keys: keys.filter(|keys| !keys.is_empty() || is_empty) })
    }

    /// The form in which it is written down.
    pub fn recorded(&self, namespace: &str, name: &str) -> RecordedConfigMap {
        let keys = self.keys.iter().flatten().map(|(key, hash)| (key.to_string(), hex(hash, 2 * SHORT)));
        RecordedConfigMap {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            keys: keys.collect(),
            hash: format!("{ALGORITHM}{}", hex(&self.all, 2 * self.all.len())),
        }
    }

    /// How many keys are kept one by one.
    pub fn keys(&self) -> usize {
        self.keys.as_ref().map_or(0, |keys| keys.len())
    }

    /// The same without what is kept of each key.
    #[must_use]
    pub fn without_keys(&self) -> Self {
        Self { all: self.all, keys: None }
    }

    /// Whether the content is the same, however much is kept of each.
    pub fn is_same(&self, other: &Self) -> bool {
        self.all == other.all
    }

    /// Enough of the hash of all keys to tell contents apart: 32 hexadecimal digits.
    pub fn short(&self) -> String {
        hex(&self.all, 2 * SHORT)
    }

    /// Which keys differ between this and what is there `now`, in alphabetical order. Nothing where the keys of one of them are not kept.
    pub fn changes<'a>(&'a self, now: &'a Self) -> Vec<KeyChange<'a>> {
        let (Some(before), Some(after)) = (&self.keys, &now.keys) else { return Vec::new() };
        let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
        let mut changes = Vec::new();
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return changes,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((old, _)), Some((new, _))) => old.cmp(new),
            };
            let old = if order.is_le() { before.next() } else { None };
            let new = if order.is_ge() { after.next() } else { None };
            let (key, kind) = match (old, new) {
                (Some((key, was)), Some((_, is))) if was != is => (key, KeyChangeKind::Changed),
                (Some((key, _)), None) => (key, KeyChangeKind::Removed),
                (None, Some((key, _))) => (key, KeyChangeKind::Added),
                _ => continue,
            };
            changes.push(KeyChange { key, kind });
        }
    }
}

/// The beginning of a hash.
fn shortened(hash: [u8; 32]) -> [u8; SHORT] {
    std::array::from_fn(|i| hash[i])
}

/// The bytes that hexadecimal digits stand for, if there are exactly as many.
fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if digits.len() != 2 * N || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}

/// The fields of a ConfigMap that hold content.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default)]
    data: Values<b'd'>,
    #[serde(default)]
    binary_data: Values<b'b'>,
}

/// The hash of each key and value of a field. Which field it is counts: the environment is read from `data` alone. The values of
/// `binaryData` are hashed in base64, as the API server writes them.
#[derive(Default)]
struct Values<const FIELD: u8>(BTreeMap<Box<str>, [u8; 32]>);

impl<'de, const FIELD: u8> Deserialize<'de> for Values<FIELD> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(ValuesVisitor)
    }
}

struct ValuesVisitor<const FIELD: u8>;

impl<'de, const FIELD: u8> Visitor<'de> for ValuesVisitor<FIELD> {
    type Value = Values<FIELD>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by key")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Values::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = BTreeMap::new();
        while let Some(key) = map.next_key::<Box<str>>()? {
            let hash = Sha256::new().chain_update([FIELD]).chain_update(key.len().to_be_bytes()).chain_update(&*key);
            let hash = map.next_value_seed(Hashing(hash))?;
            values.insert(key, hash);
        }
        Ok(Values(values))
    }
}

/// Hashes a text in place.
struct Hashing(Sha256);

impl<'de> DeserializeSeed<'de> for Hashing {
    type Value = [u8; 32];

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Hashing {
    type Value = [u8; 32];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.chain_update(text).finalize().into())
    }
}

#[cfg(test)]
mod tests;
