//! In what form the history is answered, as `Accept` asks for it.

use crate::http::Produces;
use crate::problem::{Code, Problem};
use http::{HeaderMap, HeaderValue};

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One JSON document per line.
    Ndjson,
    /// A page, as one JSON document.
    Json,
    /// A table.
    Csv,
    /// Server-sent events, which go on with what comes.
    EventStream,
}

/// What is answered where `Accept` leaves it open stands first. Those that go on with what comes are marked.
const FORMATS: [(Format, bool); 4] =
    [(Format::Ndjson, true), (Format::Json, false), (Format::Csv, false), (Format::EventStream, true)];

impl Format {
    /// Its media type.
    pub(super) const fn essence(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::EventStream => "text/event-stream",
        }
    }

    /// What its answers say.
    pub(super) const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            other => other.essence(),
        })
    }

    /// The form that is liked best, of those that are there with and without `follow`.
    pub(super) fn of(headers: &HeaderMap, follow: Option<bool>) -> Result<Self, Problem> {
        let offered: Vec<Self> = FORMATS
            .into_iter()
            .filter(|(format, follows)| match follow {
                None => true,
                Some(true) => *follows,
                Some(false) => *format != Self::EventStream,
            })
            .map(|(format, _)| format)
            .collect();
        let essences: Vec<&str> = offered.iter().map(|format| format.essence()).collect();
        Produces::best(headers, &essences).and_then(|best| offered.get(best)).copied().ok_or_else(|| {
            let asked = follow.map(|follow| format!("With follow={follow} this")).unwrap_or("This".to_owned());
            Problem::new(Code::NotAcceptable, format!("{asked} path answers in {}.", essences.join(" or ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accept: Option<&'static str>, follow: Option<bool>) -> Option<Format> {
        let accept = accept.map(|accept| (http::header::ACCEPT, HeaderValue::from_static(accept)));
        Format::of(&accept.into_iter().collect(), follow).ok()
    }

    #[test]
    fn who_says_nothing_gets_lines() {
        for follow in [None, Some(true), Some(false)] {
            for accept in [None, Some("*/*"), Some("application/*"), Some("application/problem+json")] {
                assert_eq!(of(accept, follow), Some(Format::Ndjson), "{accept:?} {follow:?}");
            }
        }
    }

    #[test]
    fn what_is_liked_best_is_answered_if_it_is_there() {
        assert_eq!(of(Some("application/json"), None), Some(Format::Json));
        assert_eq!(of(Some("text/csv;q=0.9, application/json;q=0.5"), None), Some(Format::Csv));
        assert_eq!(of(Some("text/event-stream"), None), Some(Format::EventStream));
        assert_eq!(of(Some("text/csv, application/x-ndjson"), Some(true)), Some(Format::Ndjson));
        for (accept, follow) in [
            ("application/json", Some(true)),
            ("text/csv", Some(true)),
            ("text/event-stream", Some(false)),
            ("text/html", None),
        ] {
            assert_eq!(of(Some(accept), follow), None, "{accept} {follow:?}");
        }
    }
}
