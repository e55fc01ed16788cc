//! What belongs to one request, across processes: spans for OpenTelemetry, and the W3C trace context that goes with
//! events.
//!
//! Spans under [`TARGET`] are there for whoever exports traces, and cost next to nothing where nobody does: the program
//! switches them on as a whole. They are no part of the log's lines, which bear the trace's id in a span of their own.
//!
//! The context travels in an event's metadata (`traceparent`), so what a consumer does hours later still belongs to the
//! request that it is due to.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of all spans that are exported.
pub const TARGET: &str = "orders_trace";

/// The most other spans that one names as what it works for: a batch may hold a thousand.
pub const MAX_LINKS: usize = 64;

/// Whether a text is a trace context by W3C, level 1: `00-<32 digits>-<16 digits>-<2 digits>`, in lower case, neither
/// id all zero.
pub fn is_traceparent(text: &str) -> bool {
    parts(text).is_some()
}

/// The id of the trace that a context names.
pub fn trace_id(traceparent: &str) -> Option<&str> {
    parts(traceparent).map(|(trace, _, _)| trace)
}

/// The context of a span, as it is passed on; `None` where spans are not exported.
pub fn traceparent(span: &Span) -> Option<String> {
    let context = span_context(span)?;
    let (trace, span, flags) = (context.trace_id(), context.span_id(), context.trace_flags());
    Some(format!("00-{trace:032x}-{span:016x}-{flags:02x}"))
}

/// Whether a context says that its trace is collected.
pub fn is_sampled(traceparent: &str) -> bool {
    remote(traceparent).is_some_and(|context| context.is_sampled())
}

/// Whether a span is exported once it ends.
pub fn is_exported(span: &Span) -> bool {
    span_context(span).is_some_and(|context| context.is_sampled())
}

/// Makes `span` a child of what `traceparent` names. For a span that has just been made.
pub fn continues(span: &Span, traceparent: Option<&str>) {
    if span.is_disabled() {
        return;
    }
    if let Some(parent) = traceparent.and_then(remote) {
        let _unless_not_exported = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// Says that `span` is also about what `traceparent` names.
pub fn is_about(span: &Span, traceparent: &str) {
    if let Some(other) = remote(traceparent) {
        span.add_link(other);
    }
}

/// Says that `span` is also about `other`.
pub fn links(span: &Span, other: &Span) {
    if let Some(other) = span_context(other) {
        span.add_link(other);
    }
}

fn span_context(span: &Span) -> Option<SpanContext> {
    if span.is_disabled() {
        return None;
    }
    Some(span.context().span().span_context().clone()).filter(SpanContext::is_valid)
}

fn remote(traceparent: &str) -> Option<SpanContext> {
    let (trace, span, flags) = parts(traceparent)?;
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    Some(SpanContext::new(trace, span, flags, true, TraceState::default()))
}

fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let digits = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = |part: &str, length: usize| digits(part, length) && part.bytes().any(|byte| byte != b'0');
    let mut parts = text.split('-');
    match [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()] {
        [Some("00"), Some(trace), Some(parent), Some(flags), None]
            if id(trace, 32) && id(parent, 16) && digits(flags, 2) =>
        {
            Some((trace, parent, flags))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_context_is_one() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(trace_id(good), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(!is_traceparent(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_context_says_whether_it_is_collected() {
        let context = |flags| format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        assert_eq!(["00", "01", "02", "03"].map(|flags| is_sampled(&context(flags))), [false, true, false, true]);
        assert!(!is_sampled("") && !is_sampled(&context("1")));
    }

    #[test]
    fn without_anybody_who_exports_there_is_no_context() {
        let span = tracing::info_span!(target: TARGET, "request");
        continues(&span, Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert_eq!(traceparent(&span), None);
    }
}
