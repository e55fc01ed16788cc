//! The names that a filter may have: of consumers, and of types of events. Another one would find nothing, as if all
//! were well.

use crate::http::body::Shaped;
use crate::problem::ValueError;
use crate::v1::events::selection::{self, UnknownType};
use serde_json::{Value, json};
use std::fmt;

/// The name of a consumer that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsumerName(pub(crate) String);

/// A type of events that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeName(pub(crate) String);

/// Why a word names no consumer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownConsumer(String);

impl ConsumerName {
    pub(crate) fn parse(text: &str) -> Result<Self, UnknownConsumer> {
        let known = consumers::NAMES.iter().find(|name| **name == text.trim());
        // What was sent is repeated, but not at any length.
        known.map(|name| Self((*name).to_owned())).ok_or_else(|| UnknownConsumer(text.chars().take(64).collect()))
    }
}

impl TypeName {
    pub(crate) fn parse(text: &str) -> Result<Self, UnknownType> {
        selection::event_type(text.trim()).map(Self)
    }
}

impl fmt::Display for UnknownConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no consumer `{}`; there are: {}", self.0, consumers::NAMES.join(", "))
    }
}

impl std::error::Error for UnknownConsumer {}

impl ValueError for UnknownConsumer {
    fn code(&self) -> &'static str {
        "unknown_value"
    }
}

impl Shaped for ConsumerName {
    fn shape() -> Value {
        json!({ "type": "string", "enum": consumers::NAMES })
    }
}

impl Shaped for TypeName {
    fn shape() -> Value {
        json!({ "type": "string", "enum": selection::types() })
    }
}
