//! Content codings, and the entity tags of coded answers (RFC 9110, sections 8.8.3 and 12.5.3).
//!
//! A strong tag names bytes, so each coding has one of its own: `"7"` as it is, `"7-br"` and `"7-gzip"` coded. In
//! conditions all of them stand for the same state.

use http::{HeaderMap, HeaderValue, header};

/// A coding that this program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
}

impl Coding {
    /// The better ones first.
    const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// As `Content-Encoding` names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    const fn mark(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Gzip => "-gzip",
        }
    }

    /// The one that a client likes best of those that `Accept-Encoding` names; `None` where it takes none of them.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut best = None;
        for coding in Self::ALL {
            let liked = quality(headers, coding.name());
            if liked > best.map_or(0.0, |(_, liked)| liked) {
                best = Some((coding, liked));
            }
        }
        best.map(|(coding, _)| coding)
    }

    /// The tag of what has this tag uncoded. A weak one stays as it is: it stands for all forms.
    pub(crate) fn tag(self, uncoded: &HeaderValue) -> HeaderValue {
        let coded = uncoded.to_str().ok().filter(|tag| tag.starts_with('"')).and_then(|tag| tag.strip_suffix('"'));
        let coded = coded.and_then(|open| HeaderValue::try_from(format!("{open}{}\"", self.mark())).ok());
        coded.unwrap_or_else(|| uncoded.clone())
    }
}

/// What stands between the quotes of a tag, without what a coding added to it.
pub(crate) fn uncoded(opaque: &str) -> &str {
    Coding::ALL.into_iter().find_map(|coding| opaque.strip_suffix(coding.mark())).unwrap_or(opaque)
}

/// Whether `If-None-Match` names this tag, in whatever coding (RFC 9110, section 13.1.2); weak tags count.
pub(crate) fn names(headers: &HeaderMap, etag: &str) -> bool {
    let wanted = etag.trim_matches('"');
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|tag| {
        let quoted = tag.trim_start_matches("W/");
        let opaque = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        tag == "*" || opaque.is_some_and(|opaque| opaque == wanted || uncoded(opaque) == wanted)
    })
}

/// How much a client likes a coding: 0 for one that it does not name.
fn quality(headers: &HeaderMap, coding: &str) -> f32 {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let named = lists.flat_map(|list| list.split(',')).find_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        parts.next().filter(|name| name.eq_ignore_ascii_case(coding))?;
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(quality.map_or(1.0, |quality| quality.parse().unwrap_or(0.0)))
    });
    named.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_coding_that_is_liked_best_is_chosen() {
        let accepted = |value| Coding::accepted(&headers(header::ACCEPT_ENCODING, value));
        assert_eq!(accepted("gzip, deflate, br, zstd"), Some(Coding::Brotli));
        assert_eq!(accepted("gzip;q=0.5, br;q=0"), Some(Coding::Gzip));
        assert_eq!(accepted("br;q=0.2, GZIP;q=0.8"), Some(Coding::Gzip));
        for none in ["identity", "brotli", "", "br;q=0, gzip;q=0.0", "br;q=high"] {
            assert_eq!(accepted(none), None, "{none}");
        }
        assert_eq!(Coding::accepted(&HeaderMap::new()), None);
    }

    #[test]
    fn each_coding_has_a_tag_of_its_own_that_stands_for_the_same_state() {
        let tag = HeaderValue::from_static("\"7\"");
        assert_eq!(Coding::Brotli.tag(&tag), "\"7-br\"");
        assert_eq!(Coding::Gzip.tag(&tag), "\"7-gzip\"");
        assert_eq!(Coding::Gzip.tag(&HeaderValue::from_static("W/\"7\"")), "W/\"7\"");
        assert_eq!((uncoded("7-br"), uncoded("7-gzip"), uncoded("7")), ("7", "7", "7"));
    }

    #[test]
    fn a_condition_names_a_tag_in_any_coding() {
        let names = |value, etag| names(&headers(header::IF_NONE_MATCH, value), etag);
        for value in ["\"b\"", "\"a\", W/\"b\"", "\"b-br\"", "W/\"b-gzip\"", "*"] {
            assert!(names(value, "\"b\""), "{value}");
        }
        for value in ["\"a\"", "b", "\"b-zstd\"", "\"b-br-br\"", ""] {
            assert!(!names(value, "\"b\""), "{value}");
        }
    }
}
