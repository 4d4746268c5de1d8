//! Fields of JSON objects as slices of the text that they stand in: nothing is built, and nothing but what is asked for is looked at.
//!
//! Whoever forwards audit events may change types on the way, and much in them was chosen by whoever made the request. So nothing here
//! fails: what is not of the type that was asked for is absent. Of equal keys the last one counts, as for the API server. Values are
//! passed over without recursion, however deep they are.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A set of fields that can be picked from an object.
pub(super) trait Fields<'a>: Default {
    /// Where the value of a key is kept, if it is.
    fn slot(&mut self, key: &str) -> Option<&mut Option<&'a str>>;
}

/// Declares a struct of fields, each with the keys that it may have in JSON.
macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $($key:literal)|+,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub(super) struct $name<'a> {
            $($(#[$field_doc])* pub(super) $field: Option<&'a str>,)*
        }

        impl<'a> $crate::identity::audit::fields::Fields<'a> for $name<'a> {
            fn slot(&mut self, key: &str) -> Option<&mut Option<&'a str>> {
                match key {
                    $($($key)|+ => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}
pub(super) use fields;

/// Picks fields from an object; `None` if the text is no object. A field that is `null` is absent.
pub(super) fn pick<'a, T: Fields<'a>>(object: &'a str) -> Option<T> {
    let mut fields = T::default();
    fill(object, &mut fields).ok()?;
    Some(fields)
}

/// Picks what can be picked of an object that is cut off: all fields before the one that is. `None` if it is not cut off.
pub(super) fn pick_cut_off<'a, T: Fields<'a>>(object: &'a str) -> Option<T> {
    let mut fields = T::default();
    let error = fill(object, &mut fields).err()?;
    error.is_eof().then_some(fields)
}

/// Picks fields from a value that may be absent: all fields of what is no object are absent.
pub(super) fn picked<'a, T: Fields<'a>>(object: Option<&'a str>) -> T {
    object.and_then(pick).unwrap_or_default()
}

fn fill<'a, T: Fields<'a>>(object: &'a str, fields: &mut T) -> Result<(), serde_json::Error> {
    serde_json::Deserializer::from_str(object).deserialize_map(Picker(fields))
}

struct Picker<'s, T>(&'s mut T);

impl<'a, T: Fields<'a>> Visitor<'a> for Picker<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            match self.0.slot(&key) {
                Some(slot) => *slot = Some(map.next_value::<&RawValue>()?.get()).filter(|value| *value != "null"),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// A key, which is copied only if it is written with escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// Calls `each` with every entry of an array; says whether the text is one.
pub(super) fn entries<'a>(array: &'a str, each: impl FnMut(&'a str)) -> bool {
    array.starts_with('[') && serde_json::Deserializer::from_str(array).deserialize_seq(Entries(each)).is_ok()
}

struct Entries<F>(F);

impl<'a, F: FnMut(&'a str)> Visitor<'a> for Entries<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(entry) = seq.next_element::<&RawValue>()? {
            (self.0)(entry.get());
        }
        Ok(())
    }
}

/// Calls `each` with every key of an object, equal ones included; says whether the text is an object.
pub(super) fn keys(object: &str, each: impl FnMut(&str)) -> bool {
    struct Keys<F>(F);

    impl<'a, F: FnMut(&str)> Visitor<'a> for Keys<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some((key, _)) = map.next_entry::<Key<'a>, IgnoredAny>()? {
                (self.0)(&key.0);
            }
            Ok(())
        }
    }

    object.starts_with('{') && serde_json::Deserializer::from_str(object).deserialize_map(Keys(each)).is_ok()
}

/// The text of a string.
pub(super) fn text(value: Option<&str>) -> Option<Cow<'_, str>> {
    let value = value?;
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(value).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// The text of a string as text of its own; empty if there is none.
pub(super) fn owned(value: Option<&str>) -> String {
    text(value).map(Cow::into_owned).unwrap_or_default()
}

/// A whole number. Some forwarders make strings of numbers, or `2.0` and `2e0` of 2.
pub(super) fn number(value: Option<&str>) -> Option<i64> {
    let digits = value?.trim_matches('"');
    digits.parse().ok().or_else(|| {
        let number = digits.parse::<f64>().ok().filter(|number| number.fract() == 0.0)?;
        format!("{number:.0}").parse().ok()
    })
}

/// The strings of an array; a single string counts as an array of one.
pub(super) fn texts(value: Option<&str>) -> Vec<String> {
    let mut found = Vec::new();
    let Some(value) = value else { return found };
    if !entries(value, |entry| found.extend(text(Some(entry)).map(Cow::into_owned))) {
        found.extend(text(Some(value)).map(Cow::into_owned));
    }
    found
}

/// A value that some forwarders make a string of: the JSON in the string, or the value itself.
pub(super) fn unquoted(value: Option<&str>) -> Option<Cow<'_, str>> {
    let value = value?;
    match text(Some(value)) {
        Some(inner) if inner.trim_start().starts_with(['{', '[']) => Some(match inner {
            Cow::Borrowed(inner) => Cow::Borrowed(inner.trim()),
            Cow::Owned(inner) => Cow::Owned(inner.trim().to_owned()),
        }),
        _ => Some(Cow::Borrowed(value)),
    }
}
