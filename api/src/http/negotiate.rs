//! Whether a client takes what a path answers with (`Accept`, RFC 9110 section 12.5.1).

use crate::problem::{Code, Problem};
use http::{HeaderMap, header};

/// What a path answers with when all goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Produces {
    /// One JSON document.
    Json,
    /// One JSON document per line.
    Ndjson,
    /// Plain text.
    Text,
    /// A page, or what pages are made with. What a browser says it takes is of no use here, and a page is better than none.
    Html,
}

impl Produces {
    const fn essence(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Text => "text/plain",
            Self::Html => "text/html",
        }
    }

    /// What is told at a path that is not there: a page to a browser, which names HTML, and JSON to everyone else.
    pub(super) fn at_unknown(path: &str, headers: &HeaderMap) -> Self {
        let mut ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let is_browser = ranges.any(|list| list.split(',').any(|range| range.trim_start().starts_with("text/html")));
        if is_browser && path != "/v1" && !path.starts_with("/v1/") { Self::Html } else { Self::Json }
    }

    /// Refuses a request that takes none of what the path has.
    ///
    /// A client that takes problems alone is taken for one that forgot to say the rest.
    pub fn check(self, headers: &HeaderMap) -> Result<(), Problem> {
        if self == Self::Html {
            return Ok(());
        }
        let mut ranges = headers.get_all(header::ACCEPT).iter().peekable();
        let says_nothing = ranges.peek().is_none();
        let accepted = |range: &str| matches(range, self.essence()) || matches(range, "application/problem+json");
        if says_nothing || ranges.any(|value| value.to_str().is_ok_and(|list| list.split(',').any(accepted))) {
            return Ok(());
        }
        Err(Problem::new(Code::NotAcceptable, format!("This path answers in {}.", self.essence())))
    }
}

fn matches(range: &str, essence: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let wanted = parts.next().unwrap_or_default();
    // `q=0` means "anything but this".
    if parts.any(is_zero_quality) {
        return false;
    }
    let (kind, _) = essence.split_once('/').unwrap_or((essence, ""));
    wanted == "*/*"
        || wanted.eq_ignore_ascii_case(essence)
        || wanted.strip_suffix("/*").is_some_and(|wanted_kind| wanted_kind.eq_ignore_ascii_case(kind))
}

fn is_zero_quality(parameter: &str) -> bool {
    parameter
        .split_once('=')
        .is_some_and(|(name, value)| name.eq_ignore_ascii_case("q") && value.parse() == Ok(0.0_f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn json_for(accept: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        Produces::Json.check(&headers).is_ok()
    }

    #[test]
    fn at_an_unknown_path_a_browser_is_told_by_a_page() {
        let told = |path, accept: &'static str| {
            Produces::at_unknown(path, &HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
        };
        let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
        assert_eq!((told("/teas/", browser), told("/v10", browser)), (Produces::Html, Produces::Html));
        assert_eq!((told("/v1/teas", browser), told("/v1", browser)), (Produces::Json, Produces::Json));
        assert_eq!((told("/teas/", "*/*"), told("/teas/", "application/json")), (Produces::Json, Produces::Json));
    }

    #[test]
    fn json_goes_to_whoever_takes_it() {
        assert!(Produces::Json.check(&HeaderMap::new()).is_ok());
        for accept in [
            "*/*",
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/*",
            "application/problem+json",
            "text/html, */*;q=0.1",
            "text/html;q=0.9,application/json;q=0.5",
        ] {
            assert!(json_for(accept), "{accept}");
        }
        for accept in ["text/html", "application/xml", "text/*", "application/json;q=0", "*/*; q=0.0", ""] {
            assert!(!json_for(accept), "{accept}");
        }
    }
}
