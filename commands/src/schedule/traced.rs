//! The trace that a job belongs to: that of the request that put it in.
//!
//! The context stands in the payload, beside what the task needs to know, and goes as that does: it is gone once the
//! job has ended well. Tasks never see it.

use super::job::Claimed;
use super::task::{Done, Failure};
use crate::trace;
use serde_json::Value;
use tracing::{Span, field};

/// Where the context stands in a payload. No task has a member of this name.
const MEMBER: &str = "traceparent";
/// A payload that is longer, as JSON, is left as it is: the table takes 4,096 bytes of it.
const MAX_PAYLOAD_BYTES: usize = 3_500;

/// What a task needs to know, with the context that it is put in within, where there is one.
pub(super) fn within_now(payload: &Value) -> Value {
    with(payload, trace::traceparent(&Span::current()).as_deref())
}

/// The same with that context.
pub(super) fn with(payload: &Value, traceparent: Option<&str>) -> Value {
    let mut payload = payload.clone();
    if let (Value::Object(members), Some(traceparent)) = (&mut payload, traceparent) {
        members.insert(MEMBER.to_owned(), traceparent.into());
    }
    if traceparent.is_some() && payload.to_string().len() > MAX_PAYLOAD_BYTES {
        take(&mut payload);
    }
    payload
}

/// Takes the context out of a payload.
pub(super) fn take(payload: &mut Value) -> Option<String> {
    match payload.as_object_mut()?.remove(MEMBER)? {
        Value::String(text) if trace::is_traceparent(&text) => Some(text),
        _ => None,
    }
}

/// One attempt at a job, for whoever collects traces: a part of the trace of the request that put it in, else one of
/// its own.
pub(super) fn span(task: &'static str, job: &Claimed) -> Span {
    let span = tracing::info_span!(
        target: trace::TARGET,
        parent: None,
        "job",
        otel.name = format_args!("job {task}"),
        otel.status_code = field::Empty,
        task,
        job = job.id,
        attempt = job.attempt(),
        outcome = field::Empty,
    );
    trace::continues(&span, job.traceparent.as_deref());
    span
}

/// Says in an attempt's span what it came to, by that word.
pub(super) fn ended(span: &Span, word: &'static str, outcome: &Result<Done, Failure>) {
    span.record("outcome", word);
    if !matches!(outcome, Ok(_) | Err(Failure::Lost)) {
        span.record("otel.status_code", "error");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CONTEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_goes_with_what_a_task_needs_to_know_and_is_no_part_of_it() {
        let mut stored = with(&json!({ "account": 7 }), Some(CONTEXT));
        assert_eq!(stored, json!({ "account": 7, "traceparent": CONTEXT }));
        assert_eq!(take(&mut stored).as_deref(), Some(CONTEXT));
        assert_eq!(stored, json!({ "account": 7 }));
        assert_eq!(take(&mut stored), None);
        assert_eq!(take(&mut json!({ "traceparent": "none" })), None);
    }

    #[test]
    fn without_a_context_or_without_room_nothing_is_added() {
        let long = json!({ "text": "a".repeat(MAX_PAYLOAD_BYTES - 50) });
        for (payload, context) in [(json!({ "a": 1 }), None), (long, Some(CONTEXT)), (json!([1]), Some(CONTEXT))] {
            assert_eq!(with(&payload, context), payload);
        }
    }
}
