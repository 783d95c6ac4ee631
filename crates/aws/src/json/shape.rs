//! How members of a request are read.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::value::RawValue;
use types::Plaintext;
use zeroize::Zeroizing;

use super::text::unescaped;

/// One type of the API's model.
pub(crate) trait Shape {
    type Value;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Value, D::Error>;
}

/// A string.
pub(super) struct Text;
/// A boolean.
pub(super) struct Flag;
/// A whole number, also one written as `7.0` or `7e0`.
pub(super) struct Whole;
/// A string that is a customer's value.
pub(super) struct SecretText;
/// Bytes that are a customer's value, in base64 with padding.
pub(super) struct SecretBlob;
/// Bytes that are no secret, in base64 with padding.
pub(super) struct Blob;
/// Texts by texts, each key once.
pub(super) struct TextMap;
/// A list.
pub(super) struct List<S>(PhantomData<S>);

impl Shape for Text {
    type Value = String;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

impl Shape for Flag {
    type Value = bool;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        bool::deserialize(deserializer)
    }
}

impl Shape for Whole {
    type Value = i64;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl Visitor<'_> for Whole {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        number.try_into().map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i64, E> {
        /// Beyond it not every whole number is a float.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if number.fract() != 0.0 || number.abs() > EXACT {
            return Err(E::invalid_value(Unexpected::Float(number), &self));
        }
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        let whole = number as i64;
        Ok(whole)
    }
}

impl Shape for SecretText {
    type Value = Plaintext;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Plaintext, D::Error> {
        Ok(Plaintext::copy_from(&secret_string(deserializer)?))
    }
}

impl Shape for SecretBlob {
    type Value = Plaintext;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Plaintext, D::Error> {
        let text = secret_string(deserializer)?;
        let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
        let length = STANDARD.decode_slice(&*text, &mut bytes).map_err(|_| D::Error::custom("not base64"))?;
        Ok(Plaintext::copy_from(&bytes[..length]))
    }
}

impl Shape for Blob {
    type Value = Vec<u8>;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(|_| D::Error::custom("not base64"))
    }
}

impl Shape for TextMap {
    type Value = BTreeMap<String, String>;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for TextMap {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = pairs.next_entry()? {
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key came twice"));
            }
        }
        Ok(map)
    }
}

fn secret_string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<Vec<u8>>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    unescaped(raw.get()).ok_or_else(|| D::Error::custom("not a string"))
}

impl<S: Shape> Shape for List<S> {
    type Value = Vec<S::Value>;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(Self(PhantomData))
    }
}

impl<'de, S: Shape> Visitor<'de> for List<S> {
    type Value = Vec<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(Entry::<S>(PhantomData))? {
            list.push(entry);
        }
        Ok(list)
    }
}

/// A value that is there.
struct Entry<S>(PhantomData<S>);

impl<'de, S: Shape> DeserializeSeed<'de> for Entry<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        S::read(deserializer)
    }
}

/// A value or `null`, which is absence.
struct Member<S>(PhantomData<S>);

impl<'de, S: Shape> DeserializeSeed<'de> for Member<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, S: Shape> Visitor<'de> for Member<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        S::read(deserializer).map(Some)
    }
}

/// Reads the value of the current member into its place; a member that comes twice is refused.
pub(super) fn member<'de, S: Shape, A: MapAccess<'de>>(
    place: &mut Option<S::Value>,
    members: &mut A,
) -> Result<(), A::Error> {
    if place.is_some() {
        return Err(A::Error::custom("a member came twice"));
    }
    *place = members.next_value_seed(Member::<S>(PhantomData))?;
    Ok(())
}

/// Makes an input a [`Shape`]: which member of the wire is which field, and of what type. Only objects are read, not
/// lists of values in the fields' order as a derived `Deserialize` would allow. `Shape as Input` is for an input that
/// the services spell in different ways.
macro_rules! object {
    ($input:ident { $($members:tt)+ }) => {
        $crate::json::shape::object! { $input as $input { $($members)+ } }
    };
    ($shape:ident as $input:ident { $($wire:literal: $member:ty => $field:ident,)+ }) => {
        impl $crate::json::shape::Shape for $shape {
            type Value = $input;

            fn read<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<$input, D::Error> {
                struct Members;

                impl<'de> serde::de::Visitor<'de> for Members {
                    type Value = $input;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut members: A) -> Result<$input, A::Error> {
                        let mut input = $input::default();
                        while let Some(name) = members.next_key::<String>()? {
                            match name.as_str() {
                                $($wire => $crate::json::shape::member::<$member, A>(&mut input.$field, &mut members)?,)+
                                _ => { members.next_value::<serde::de::IgnoredAny>()?; }
                            }
                        }
                        Ok(input)
                    }
                }

                deserializer.deserialize_map(Members)
            }
        }
    };
}

pub(super) use object;
