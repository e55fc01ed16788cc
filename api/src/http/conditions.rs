//! Versions as entity tags: `ETag`, `If-Match`, `If-None-Match` (RFC 9110 section 13).
//!
//! An order's or product's tag is its version in quotes, `"7"`; where the answer was compressed, the coding stands
//! behind it: `"7-br"`.

use super::delivery::coding;
use crate::problem::{Code, Place, Problem};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The most tags that one header may list.
const MAX_TAGS: usize = 16;

/// The entity tag of a version.
pub fn etag(version: u64) -> HeaderValue {
    // Quotes and digits are fit for a header.
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}

/// What `If-Match` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// Nothing: it is not there.
    Absent,
    /// `*`: that there is something.
    Anything,
    /// One of these versions. A weak tag or one that is no version of ours matches nothing, and is not among them.
    Versions(Vec<u64>),
}

impl IfMatch {
    /// Reads `If-Match`. What is no list of entity tags is refused: a condition that is misread is worse than none.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(tags) = tags(headers, &header::IF_MATCH)? else { return Ok(Self::Absent) };
        if tags.contains(&Tag::Any) {
            return Ok(Self::Anything);
        }
        let strong = tags.into_iter().filter_map(|tag| match tag {
            Tag::Strong(version) => version,
            Tag::Any | Tag::Weak(_) => None,
        });
        Ok(Self::Versions(strong.collect()))
    }
}

/// Whether `If-None-Match` says that the client has this version already. Weak tags count here.
pub fn has_already(headers: &HeaderMap, version: u64) -> bool {
    // A header that can't be read asks for nothing: the whole answer is always right.
    let tags = tags(headers, &header::IF_NONE_MATCH).ok().flatten().unwrap_or_default();
    tags.iter().any(|tag| match tag {
        Tag::Any => true,
        Tag::Strong(known) | Tag::Weak(known) => *known == Some(version),
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Tag {
    Any,
    Strong(Option<u64>),
    Weak(Option<u64>),
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Vec<Tag>>, Problem> {
    let mut tags = Vec::new();
    for value in headers.get_all(name) {
        for tag in value.to_str().map_err(|_| malformed(name))?.split(',') {
            tags.push(parse(tag.trim()).ok_or_else(|| malformed(name))?);
        }
    }
    match tags.len() {
        0 => Ok(None),
        1..=MAX_TAGS => Ok(Some(tags)),
        _ => Err(malformed(name)),
    }
}

fn parse(tag: &str) -> Option<Tag> {
    if tag == "*" {
        return Some(Tag::Any);
    }
    let (weak, quoted) = tag.strip_prefix("W/").map_or((false, tag), |rest| (true, rest));
    let opaque = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if opaque.bytes().any(|byte| byte == b'"' || !byte.is_ascii_graphic()) {
        return None;
    }
    // "07" is another tag than "7".
    let opaque = coding::uncoded(opaque);
    let version = opaque.parse().ok().filter(|version: &u64| version.to_string() == opaque);
    Some(if weak { Tag::Weak(version) } else { Tag::Strong(version) })
}

fn malformed(name: &HeaderName) -> Problem {
    let shown = if *name == header::IF_MATCH { "If-Match" } else { "If-None-Match" };
    Problem::new(Code::InvalidHeader, format!("{shown} is not understood.")).error(
        Place::Header(shown),
        "not_a_list_of_entity_tags",
        format!("must be * or up to {MAX_TAGS} entity tags such as \"7\", quotes included"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(value: &str) -> Result<IfMatch, Code> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_str(value).unwrap());
        IfMatch::of(&headers).map_err(|problem| problem.code())
    }

    #[test]
    fn if_match_is_a_list_of_strong_tags() {
        assert_eq!(IfMatch::of(&HeaderMap::new()).unwrap(), IfMatch::Absent);
        assert_eq!(if_match("\"7\""), Ok(IfMatch::Versions(vec![7])));
        assert_eq!(if_match("\"6\", \"7\""), Ok(IfMatch::Versions(vec![6, 7])));
        assert_eq!(if_match("\"6-br\", \"7-gzip\", \"8-zstd\""), Ok(IfMatch::Versions(vec![6, 7])));
        assert_eq!(if_match("*"), Ok(IfMatch::Anything));
        assert_eq!(if_match("W/\"7\""), Ok(IfMatch::Versions(vec![])));
        assert_eq!(if_match("\"07\", \"abc\""), Ok(IfMatch::Versions(vec![])));
        for malformed in ["7", "", "\"7", "\"7\" \"8\"", "w/\"7\"", "\"7\","] {
            assert_eq!(if_match(malformed), Err(Code::InvalidHeader), "{malformed}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let has = |value: &'static str| {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(value))]);
            has_already(&headers, 7)
        };
        assert!(has("\"7\"") && has("W/\"7\"") && has("*") && has("\"1\", \"7\""));
        assert!(!has("\"8\"") && !has("7"));
    }
}
