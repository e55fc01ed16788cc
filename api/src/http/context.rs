//! What a request tells of itself, as the metadata of the events that it leads to.

use super::RequestId;
use crate::auth::VerifiedKey;
use chrono::{SubsecRound, Utc};
use commands::{Context, trace};
use http::{HeaderMap, header};
use tracing::Span;

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
        // Where traces are exported, what follows hangs on our own span, which hangs on the client's.
        traceparent: trace::traceparent(&Span::current()).or_else(|| sent_traceparent(headers)),
        locale: text(headers, header::ACCEPT_LANGUAGE.as_str()).and_then(first_language),
        // What the database keeps: a time reads back as it was answered.
        occurred_at: Utc::now().trunc_subsecs(6),
    }
}

/// The trace context that a client sent, if it is one.
pub(super) fn sent_traceparent(headers: &HeaderMap) -> Option<String> {
    text(headers, "traceparent").filter(|parent| trace::is_traceparent(parent)).map(str::to_owned)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
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
    fn the_first_language_is_taken_over() {
        assert_eq!(first_language("en-GB,en;q=0.9").as_deref(), Some("en-GB"));
        assert_eq!(first_language("de;q=0.5").as_deref(), Some("de"));
        assert_eq!(first_language("*"), None);
        assert_eq!(first_language(""), None);
    }
}
