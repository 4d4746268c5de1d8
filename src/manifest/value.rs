//! A node as a source of values for `serde`, the same values as `kubectl` would send as JSON.

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::key::{self, Entry};
use super::scalar::{self, Scalar};
use super::tree::{DEEPEST, Id, Kind, Node, Tree};

/// Why a value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub String);

impl de::Error for Refused {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// A node of a tree.
#[derive(Clone, Copy)]
pub(super) struct Value<'de, 'a> {
    tree: &'de Tree<'a>,
    id: Id,
    depth: usize,
    /// Whether an alias led here.
    aliased: bool,
}

impl<'de, 'a> Value<'de, 'a> {
    pub fn new(tree: &'de Tree<'a>, id: Id) -> Self {
        Self { tree, id, depth: 0, aliased: false }
    }

    fn child(&self, id: Id) -> Self {
        Self { id, ..*self }
    }

    /// The node itself, after an alias that of its anchor.
    fn enter(&mut self) -> Result<&'de Node<'a>, Refused> {
        let target = self.tree.target(self.id);
        self.aliased = self.aliased || target != self.id;
        self.id = target;
        if self.aliased {
            self.tree.count_aliased(1).map_err(|message| Refused(message.to_owned()))?;
        }
        self.tree.node(target).ok_or_else(|| Refused("a value is missing".to_owned()))
    }

    fn scalar(&self, node: &'de Node<'a>) -> Result<Option<Scalar<'de>>, Refused> {
        scalar::resolve(self.tree, node).map_err(Refused)
    }

    fn deeper(mut self) -> Result<Self, Refused> {
        self.depth += 1;
        if self.depth > DEEPEST { Err(Refused(format!("values are nested deeper than {DEEPEST}"))) } else { Ok(self) }
    }
}

impl<'de> Deserializer<'de> for Value<'de, '_> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        let node = self.enter()?;
        match self.scalar(node)? {
            Some(Scalar::Null) => visitor.visit_unit(),
            Some(Scalar::Bool(value)) => visitor.visit_bool(value),
            Some(Scalar::Integer(value)) => visitor.visit_i64(value),
            Some(Scalar::Unsigned(value)) => visitor.visit_u64(value),
            Some(Scalar::Float(value)) if !value.is_finite() => {
                Err(Refused("JSON has no numbers that are infinite or none at all".to_owned()))
            }
            Some(Scalar::Float(value)) => match scalar::whole(value) {
                Some(whole) => visitor.visit_i64(whole),
                None => visitor.visit_f64(value),
            },
            Some(Scalar::Text(text)) => visitor.visit_borrowed_str(text),
            None if node.kind == Kind::Sequence => {
                let mut items = Items { value: self.deeper()?, ids: self.tree.children(self.id) };
                visitor.visit_seq(&mut items)
            }
            None => {
                let value = self.deeper()?;
                if node.hard {
                    let entries = key::entries(self.tree, self.id, 0).map_err(|fault| Refused(fault.message))?;
                    visitor.visit_map(Entries { value, rest: entries.into_iter(), next: None })
                } else {
                    visitor.visit_map(Pairs { value, ids: self.tree.children(self.id) })
                }
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let mut value = self;
        let node = value.enter()?;
        let null = match node.kind {
            Kind::Plain | Kind::Literal | Kind::Tagged => value.scalar(node)? == Some(Scalar::Null),
            _ => false,
        };
        if null { visitor.visit_none() } else { visitor.visit_some(value) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    /// Fields have names: a list of values is no object.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        if self.tree.kind(self.tree.target(self.id)) == Some(Kind::Sequence) {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &visitor));
        }
        self.deserialize_any(visitor)
    }

    /// Values that nobody reads are not even looked at.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier
    }
}

struct Items<'de, 'a> {
    value: Value<'de, 'a>,
    ids: super::tree::Children<'de, 'a>,
}

impl<'de> SeqAccess<'de> for &mut Items<'de, '_> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        let value = self.value;
        self.ids.next().map(|id| seed.deserialize(value.child(id))).transpose()
    }
}

/// A mapping whose keys are all text and all different.
struct Pairs<'de, 'a> {
    value: Value<'de, 'a>,
    ids: super::tree::Children<'de, 'a>,
}

impl<'de> MapAccess<'de> for Pairs<'de, '_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        let node = self.ids.next().and_then(|id| self.value.tree.node(id));
        let text = |node: &'de Node<'_>| de::value::BorrowedStrDeserializer::<Refused>::new(&node.text);
        node.map(|node| seed.deserialize(text(node))).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        let id = self.ids.next().ok_or_else(|| Refused("a value is missing".to_owned()))?;
        seed.deserialize(self.value.child(id))
    }
}

/// Any other mapping.
struct Entries<'de, 'a> {
    value: Value<'de, 'a>,
    rest: std::vec::IntoIter<Entry<'de>>,
    next: Option<Id>,
}

impl<'de> MapAccess<'de> for Entries<'de, '_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        let Some(entry) = self.rest.next() else { return Ok(None) };
        self.next = Some(entry.value);
        seed.deserialize(entry.key.text.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        let id = self.next.take().ok_or_else(|| Refused("a value is missing".to_owned()))?;
        seed.deserialize(self.value.child(id))
    }
}
