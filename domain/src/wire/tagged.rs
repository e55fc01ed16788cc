//! The tag around a payload: an object with one member, named as the event's type.

use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::marker::PhantomData;

/// Writes `{"<tag>":<shape>}`.
pub(super) fn write(tag: &'static str, shape: &impl Serialize) -> String {
    let mut json = Vec::with_capacity(256);
    json.extend_from_slice(b"{\"");
    json.extend_from_slice(tag.as_bytes());
    json.extend_from_slice(b"\":");
    // The shapes are structs of strings and numbers: neither a failing `Serialize` nor a key that is no string is among
    // them.
    if serde_json::to_writer(&mut json, shape).is_err() {
        unreachable!("a stored shape of {tag} is always JSON");
    }
    json.push(b'}');
    String::from_utf8(json).unwrap_or_else(|_| unreachable!("JSON is UTF-8"))
}

/// Reads `{"<tag>":<shape>}`, refusing another tag and more members.
pub(super) fn read<'a, T: Deserialize<'a>>(tag: &str, json: &'a str) -> Result<T, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let shape = Tagged { tag, shape: PhantomData }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(shape)
}

/// The tag of a payload; `None` for what is no tagged payload. Tags are plain ASCII names, so no escape is looked for.
pub(super) fn tag(json: &str) -> Option<&str> {
    let (tag, _) = json.trim_start().strip_prefix('{')?.trim_start().strip_prefix('"')?.split_once('"')?;
    Some(tag)
}

/// What is wrong with a JSON text, without the value that stands there: it may be personal.
///
/// serde words its errors `invalid type: string "ada@example.com", expected u32 at line 1 column 34`: what was
/// expected, and where, comes last and is ours.
pub(super) fn fault(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let quotes_value = text.starts_with("invalid ") || text.starts_with("unknown ");
    match text.rsplit_once(", expected ") {
        Some((_, expected)) if quotes_value => format!("expected {expected}"),
        _ => text,
    }
}

struct Tagged<'t, T> {
    tag: &'t str,
    shape: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Tagged<'_, T> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Tagged<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the single member `{}`", self.tag)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let found: Option<std::borrow::Cow<'de, str>> = map.next_key()?;
        if found.as_deref() != Some(self.tag) {
            return Err(A::Error::custom(format_args!("the member is not `{}`", self.tag)));
        }
        let shape = map.next_value()?;
        if map.next_key::<serde::de::IgnoredAny>()?.is_some() {
            return Err(A::Error::custom(format_args!("more than the member `{}`", self.tag)));
        }
        Ok(shape)
    }
}
