//! One fault of a request: where it is, what it is.

use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;

/// The most faults that one answer lists; a body may hold a great many more.
pub(crate) const MAX_FAULTS: usize = 100;

/// Where in a request a fault is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the body: a JSON pointer (RFC 6901), empty for the whole body.
    Pointer(String),
    /// In the query: the parameter's name.
    Parameter(String),
    /// In a header: its name.
    Header(&'static str),
}

/// One fault of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What programs tell it by.
    pub code: &'static str,
    /// What is wrong and what would be right, for people. Never repeats a value that may be personal.
    pub detail: Cow<'static, str>,
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        match &self.place {
            Place::Pointer(pointer) => map.serialize_entry("pointer", pointer)?,
            Place::Parameter(name) => map.serialize_entry("parameter", name)?,
            Place::Header(name) => map.serialize_entry("header", name)?,
        }
        map.serialize_entry("code", self.code)?;
        map.serialize_entry("detail", &self.detail)?;
        map.end()
    }
}

/// The faults found so far, in the order in which they were found: the first hundred, and how many more there are.
#[derive(Debug, Default)]
pub struct Faults {
    kept: Vec<Fault>,
    omitted: usize,
}

impl Faults {
    /// Notes one more.
    pub fn add(&mut self, place: Place, code: &'static str, detail: impl Into<Cow<'static, str>>) {
        if self.kept.len() < MAX_FAULTS {
            self.kept.push(Fault { place, code, detail: detail.into() });
        } else {
            self.omitted += 1;
        }
    }

    /// Whether none was found.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The first hundred, and how many were found behind them.
    pub fn into_parts(self) -> (Vec<Fault>, usize) {
        (self.kept, self.omitted)
    }
}
