//! What a request tells of itself, as the metadata of the events that it leads to.

use super::RequestId;
use crate::auth::VerifiedKey;
use chrono::{SubsecRound, Utc};
use commands::Context;
use http::{HeaderMap, header};

/// The longest language tag taken over (RFC 5646 section 4.4.1 asks for room for 35 characters).
const MAX_LOCALE_CHARS: usize = 35;

/// The context of a command that arrived now, with an API key.
pub fn of(key: &VerifiedKey, request_id: &RequestId, headers: &HeaderMap) -> Context {
    by(key.actor.clone(), request_id, headers)
}

/// The context of a command of this actor that arrived now.
pub fn by(actor: String, request_id: &RequestId, headers: &HeaderMap) -> Context {
    Context {
        actor,
        correlation_id: request_id.as_str().to_owned(),
        causation_id: None,
        traceparent: text(headers, "traceparent").filter(|parent| is_traceparent(parent)).map(str::to_owned),
        locale: text(headers, header::ACCEPT_LANGUAGE.as_str()).and_then(first_language),
        // What the database keeps: a time reads back as it was answered.
        occurred_at: Utc::now().trunc_subsecs(6),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// W3C Trace Context, level 1: `00-<32 digits>-<16 digits>-<2 digits>`, in lower case, neither id all zero.
fn is_traceparent(text: &str) -> bool {
    let digits = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = |part: &str, length: usize| digits(part, length) && part.bytes().any(|byte| byte != b'0');
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts[..], ["00", trace, parent, flags] if id(trace, 32) && id(parent, 16) && digits(flags, 2))
}

/// The language that the client puts first.
fn first_language(accepted: &str) -> Option<String> {
    let first = accepted.split([',', ';']).next()?.trim();
    let tag = !first.is_empty()
        && first.len() <= MAX_LOCALE_CHARS
        && first.split('-').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    tag.then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_trace_parent_is_taken_over() {
        assert!(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(!is_traceparent(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_first_language_is_taken_over() {
        assert_eq!(first_language("en-GB,en;q=0.9").as_deref(), Some("en-GB"));
        assert_eq!(first_language("de;q=0.5").as_deref(), Some("de"));
        assert_eq!(first_language("*"), None);
        assert_eq!(first_language(""), None);
    }
}
