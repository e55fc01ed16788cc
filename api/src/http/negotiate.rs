//! Whether a client takes what a path answers with (`Accept`, RFC 9110 section 12.5.1).

use crate::problem::{Code, Problem};
use http::{HeaderMap, header};

/// What a path answers with when all goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Produces {
    /// One JSON document.
    Json,
    /// The history, in one of several forms; one JSON document per line where none is named.
    Events,
    /// A table: one JSON document, or CSV where that is liked better.
    Table,
    /// Plain text.
    Text,
    /// A page, or what pages are made with. What a browser says it takes is of no use here, and a page is better than
    /// none.
    Html,
}

impl Produces {
    const fn essences(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["application/json"],
            Self::Events => &["application/x-ndjson", "application/json", "text/csv", "text/event-stream"],
            Self::Table => &["application/json", "text/csv"],
            Self::Text => &["text/plain"],
            Self::Html => &["text/html"],
        }
    }

    /// What is told at a path that is not there: a page to a browser, which names HTML, and JSON to everyone else.
    pub(super) fn at_unknown(path: &str, headers: &HeaderMap) -> Self {
        let mut ranges = ranges(headers);
        let is_browser = ranges.any(|range| range.trim_start().starts_with("text/html"));
        if is_browser && path != "/v1" && !path.starts_with("/v1/") { Self::Html } else { Self::Json }
    }

    /// Refuses a request that takes none of what the path has.
    pub fn check(self, headers: &HeaderMap) -> Result<(), Problem> {
        if self == Self::Html || Self::best(headers, self.essences()).is_some() {
            return Ok(());
        }
        Err(Problem::new(Code::NotAcceptable, format!("This path answers in {}.", self.essences().join(" or "))))
    }

    /// Which of `offered`, media types with the one that is given by default first, a client likes best; `None` if it
    /// takes none.
    ///
    /// A client that takes problems alone is taken for one that forgot to say the rest.
    pub(crate) fn best(headers: &HeaderMap, offered: &[&str]) -> Option<usize> {
        if !headers.contains_key(header::ACCEPT) {
            return Some(0);
        }
        let liked =
            |essence: &str| ranges(headers).filter_map(|range| quality(range, essence)).max_by_key(|(fit, _)| *fit);
        let mut best: Option<(usize, f32)> = None;
        for (nth, essence) in offered.iter().enumerate() {
            let Some((_, quality)) = liked(essence) else { continue };
            if quality > best.map_or(0.0, |(_, quality)| quality) {
                best = Some((nth, quality));
            }
        }
        let forgot = || liked("application/problem+json").filter(|(_, quality)| *quality > 0.0).map(|_| 0);
        best.map(|(nth, _)| nth).or_else(forgot)
    }
}

/// What a client takes, each with its parameters.
fn ranges(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','))
}

/// How narrowly a range fits a media type, and how much it is liked: 0 means "anything but this". `None` where it does
/// not fit.
fn quality(range: &str, essence: &str) -> Option<(u8, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let wanted = parts.next().unwrap_or_default();
    let (kind, _) = essence.split_once('/').unwrap_or((essence, ""));
    let fit = if wanted.eq_ignore_ascii_case(essence) {
        2
    } else if wanted.strip_suffix("/*").is_some_and(|wanted_kind| wanted_kind.eq_ignore_ascii_case(kind)) {
        1
    } else if wanted == "*/*" {
        0
    } else {
        return None;
    };
    let said = parts.filter_map(|parameter| parameter.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("q"));
    // A weight that can't be read is none.
    let quality = said.and_then(|(_, value)| value.parse().ok()).unwrap_or(1.0);
    Some((fit, quality))
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
