//! A form that a visitor sent.

use super::{Fault, origin};
use crate::app::App;
use crate::http::body::{self, Accepts};
use axum::extract::{FromRequest, Request};
use percent_encoding::percent_decode;
use std::sync::Arc;

/// The most fields that are read of a form; ours have fewer.
const MAX_FIELDS: usize = 100;

/// The fields of a form from a page of ours. What was sent from elsewhere, or is no form in UTF-8, is refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Posted(Vec<(String, String)>);

impl FromRequest<Arc<App>> for Posted {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Fault> {
        let (head, body) = request.into_parts();
        origin::check(&head.headers, &app.frame)?;
        let bytes = body::receive(&head, body, Accepts::FORM).await?;
        Self::parse(&bytes).ok_or(Fault::Invalid)
    }
}

impl Posted {
    /// A field's value; the first, where there are several of the name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// All values of a field that may stand there several times.
    pub fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// `application/x-www-form-urlencoded`, strictly: what is no UTF-8 is not made into something that nobody typed.
    /// `None` if it is no form.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = bytes.split(|byte| *byte == b'&').filter(|field| !field.is_empty());
        let fields: Option<Vec<_>> = fields.take(MAX_FIELDS).map(field).collect();
        fields.map(Self)
    }
}

fn field(bytes: &[u8]) -> Option<(String, String)> {
    let at = bytes.iter().position(|byte| *byte == b'=');
    let (name, value) = at.map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + 1..]));
    Some((decoded(name)?, decoded(value)?))
}

fn decoded(bytes: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let posted =
            Posted::parse("name=Ada+K.&city=S%C3%A3o%20Paulo&empty=&flag&a=1%2B1&name=Eve".as_bytes()).unwrap();
        let fields = ["name", "city", "empty", "flag", "a", "none"].map(|name| posted.get(name));
        assert_eq!(fields, [Some("Ada K."), Some("São Paulo"), Some(""), Some(""), Some("1+1"), None]);
        assert_eq!(Posted::parse(b""), Some(Posted(Vec::new())));
    }

    #[test]
    fn what_is_no_utf8_is_no_form() {
        for bytes in [&b"name=%ff"[..], b"name=\xff", b"%c3=1"] {
            assert_eq!(Posted::parse(bytes), None);
        }
        let many = "a=1&".repeat(10_000);
        assert_eq!(Posted::parse(many.as_bytes()).unwrap().0.len(), MAX_FIELDS);
    }
}
