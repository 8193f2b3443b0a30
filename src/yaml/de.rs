//! Typed values from a tree, by way of serde.
//!
//! In goes a [`Node`], out comes any type that serde can deserialize, or an [`Error`] with the
//! place in the file and the path of the field. What fits where is decided as kubectl and the API
//! server do: a boolean or number is no string, a null leaves a field as if it were absent, and
//! strings are borrowed from the file.

use serde::Deserialize;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected,
    IntoDeserializer as _, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::document::Document;
use super::error::Error;
use super::node::{Entry, Node, Value};
use super::parse::parse;
use super::scalar::Resolved;

/// A typed value from a tree.
pub fn from_node<'de, T: Deserialize<'de>>(node: &'de Node<'_>) -> Result<T, Error> {
    T::deserialize(node).map_err(|error| error.at(node.mark))
}

/// A typed value from a document; `None` when there is nothing in it.
///
/// As [`parse`] and [`from_node`], but a document that kubectl reads as JSON is handed to
/// `serde_json` first, which takes a tenth of the time and has no bound on the size. The tree is
/// built only when that fails, for what Go's JSON forgives (`null` for a string) and for a
/// message with its place.
pub fn from_document<T: DeserializeOwned>(document: &Document<'_>) -> Result<Option<T>, Error> {
    if document.json
        && let Ok(value) = serde_json::from_str(document.text)
    {
        return Ok(Some(value));
    }
    match parse(document)? {
        Some(node) => from_node(&node).map(Some),
        None => Ok(None),
    }
}

/// What a number or boolean is called when something else was expected.
fn unexpected<'n>(node: &'n Node<'_>) -> Unexpected<'n> {
    match node.target() {
        Value::Scalar(scalar) => match scalar.resolve() {
            Resolved::Null => Unexpected::Other("null"),
            Resolved::Bool(value) => Unexpected::Bool(value),
            Resolved::Int(value) => Unexpected::Signed(value),
            Resolved::Uint(value) => Unexpected::Unsigned(value),
            Resolved::Float(value) => Unexpected::Float(value),
            Resolved::Text(text) => Unexpected::Str(text),
        },
        Value::Sequence(_) => Unexpected::Other("a list"),
        Value::Mapping(_) | Value::Shared(_) => Unexpected::Other("a mapping"),
    }
}

impl Node<'_> {
    fn mismatch(&self, expected: &dyn Expected) -> Error {
        Error::invalid_type(unexpected(self), expected).at(self.mark)
    }

    /// The text of a string; kubectl refuses other scalars where a string belongs.
    fn string(&self) -> Result<&str, Error> {
        let Value::Scalar(scalar) = self.target() else {
            let found = self.describe();
            return Err(Error::new(self.mark, format_args!("expected a string, found {found}")));
        };
        match scalar.resolve() {
            Resolved::Text(text) => Ok(text),
            // Go leaves a string empty when JSON has null for it.
            Resolved::Null => Ok(""),
            other => {
                let (kind, text) = (other.describe(), &scalar.text);
                Err(Error::new(
                    self.mark,
                    format_args!("expected a string, found {kind} in YAML ({text}): quote it"),
                ))
            }
        }
    }

    fn visit_number<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Error> {
        let Value::Scalar(scalar) = self.target() else {
            return Err(self.mismatch(&visitor));
        };
        match scalar.resolve() {
            Resolved::Null => visitor.visit_u64(0),
            Resolved::Int(value) => match u64::try_from(value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(value),
            },
            Resolved::Uint(value) => visitor.visit_u64(value),
            Resolved::Float(value) if value.is_finite() => visitor.visit_f64(value),
            Resolved::Float(_) => {
                let text = &scalar.text;
                Err(Error::without_place(format_args!(
                    "kubectl takes no such number ({text}): quote it if it is text"
                )))
            }
            Resolved::Bool(_) | Resolved::Text(_) => Err(self.mismatch(&visitor)),
        }
        .map_err(|error: Error| error.at(self.mark))
    }
}

/// Methods that all read a number.
macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.visit_number(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for &'de Node<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.target() {
            Value::Scalar(scalar) => match scalar.resolve() {
                Resolved::Null => visitor.visit_unit(),
                Resolved::Bool(value) => visitor.visit_bool(value),
                Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_) => {
                    return self.visit_number(visitor);
                }
                Resolved::Text(text) => visitor.visit_borrowed_str(text),
            }
            .map_err(|error: Error| error.at(self.mark)),
            Value::Sequence(_) => self.deserialize_seq(visitor),
            Value::Mapping(_) | Value::Shared(_) => self.deserialize_map(visitor),
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.target() {
            Value::Scalar(scalar) => match scalar.resolve() {
                Resolved::Bool(value) => visitor.visit_bool(value),
                Resolved::Null => visitor.visit_bool(false),
                _ => Err(self.mismatch(&visitor)),
            },
            _ => Err(self.mismatch(&visitor)),
        }
        .map_err(|error: Error| error.at(self.mark))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.string()?).map_err(|error: Error| error.at(self.mark))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() { visitor.visit_unit() } else { Err(self.mismatch(&visitor)) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let items = match self.target() {
            Value::Sequence(items) => items.as_slice(),
            _ if self.is_null() => &[],
            _ => return Err(self.mismatch(&visitor)),
        };
        visitor.visit_seq(Items { items, next: 0 }).map_err(|error| error.at(self.mark))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let entries = match self.target() {
            Value::Mapping(entries) => entries.as_slice(),
            _ if self.is_null() => &[],
            _ => return Err(self.mismatch(&visitor)),
        };
        visitor
            .visit_map(Fields { entries: entries.iter(), current: None })
            .map_err(|error| error.at(self.mark))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.target() {
            Value::Mapping(entries) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Variant { entry }),
                _ => Err(Error::without_place("expected a mapping with exactly one field")),
            },
            _ => visitor.visit_enum(self.string()?.into_deserializer()),
        }
        .map_err(|error: Error| error.at(self.mark))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

/// The items of a sequence.
struct Items<'de, 'a> {
    items: &'de [Node<'a>],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(item) = self.items.get(self.next) else {
            return Ok(None);
        };
        let index = self.next;
        self.next += 1;
        match seed.deserialize(item) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(error.at(item.mark).under_item(index)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

/// The fields of a mapping.
struct Fields<'de, 'a> {
    entries: std::slice::Iter<'de, Entry<'a>>,
    current: Option<&'de Entry<'a>>,
}

impl<'de> MapAccess<'de> for Fields<'de, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.current = self.entries.next();
        let Some(entry) = self.current else {
            return Ok(None);
        };
        match seed.deserialize(BorrowedStrDeserializer::new(&entry.key)) {
            Ok(key) => Ok(Some(key)),
            Err(error) => Err(Error::at(error, entry.key_mark)),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some(entry) = self.current.take() else {
            return Err(Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(&entry.value)
            .map_err(|error| error.at(entry.value.mark).under_key(&entry.key))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// An enum written as a mapping with one field.
struct Variant<'de, 'a> {
    entry: &'de Entry<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'de, 'a> {
    type Error = Error;
    type Variant = Content<'de, 'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content<'de, 'a>), Error> {
        let entry = self.entry;
        let variant = seed
            .deserialize(BorrowedStrDeserializer::new(&entry.key))
            .map_err(|error: Error| error.at(entry.key_mark))?;
        Ok((variant, Content { entry }))
    }
}

/// What an enum's variant holds.
struct Content<'de, 'a> {
    entry: &'de Entry<'a>,
}

impl Content<'_, '_> {
    fn below(&self) -> impl FnOnce(Error) -> Error {
        move |error| error.at(self.entry.value.mark).under_key(&self.entry.key)
    }
}

impl<'de> VariantAccess<'de> for Content<'de, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        de::Deserialize::deserialize(&self.entry.value).map_err(self.below())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(&self.entry.value).map_err(self.below())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Error> {
        self.entry.value.deserialize_seq(visitor).map_err(self.below())
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.entry.value.deserialize_map(visitor).map_err(self.below())
    }
}
