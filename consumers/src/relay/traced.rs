//! What is exported of one transaction, for whoever collects traces.

use super::RELAY;
use crate::cloud_event;
use commands::{StoredEvent, trace};
use domain::Position;
use std::collections::HashSet;
use std::sync::Arc;
use tracing::{Span, field};

/// One transaction. It belongs to no one request: it names those that it publishes for, at most [`trace::MAX_LINKS`],
/// and each of them that is collected has a span of its own for its way into Kafka, as many as the batch has.
pub(super) struct Traced {
    pub(super) span: Span,
    /// Over when this is dropped.
    _requests: Vec<Span>,
}

impl Traced {
    pub(super) fn begin(batch: &[Arc<StoredEvent>]) -> Self {
        Self::of(batch.iter().filter_map(|event| cloud_event::traceparent(event)))
    }

    fn of(contexts: impl Iterator<Item = String>) -> Self {
        let span = tracing::info_span!(
            target: trace::TARGET, parent: None, "relay transaction", events = field::Empty, position = field::Empty
        );
        if span.is_disabled() {
            return Self { span, _requests: Vec::new() };
        }
        let mut known = HashSet::new();
        // What nobody collects must not take the place of what somebody does.
        let contexts = contexts.filter(|context| trace::is_sampled(context) && known.insert(context.clone()));
        let requests = contexts.enumerate().map(|(nth, context)| {
            if nth < trace::MAX_LINKS {
                trace::is_about(&span, &context);
            }
            let request = tracing::info_span!(
                target: trace::TARGET, parent: None, "publish", otel.kind = "producer", messaging.system = "kafka",
                messaging.client.id = RELAY
            );
            trace::continues(&request, Some(&context));
            trace::links(&request, &span);
            request
        });
        let requests = requests.collect();
        Self { span, _requests: requests }
    }

    pub(super) fn committed(&self, events: usize, last: Position) {
        self.span.record("events", events);
        self.span.record("position", last.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::Context;
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanProcessor};
    use std::sync::Mutex;
    use std::time::Duration;
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt;

    /// Keeps what has ended.
    #[derive(Debug, Clone, Default)]
    struct Ended(Arc<Mutex<Vec<SpanData>>>);

    impl SpanProcessor for Ended {
        fn on_start(&self, _span: &mut opentelemetry_sdk::trace::Span, _context: &Context) {}

        fn on_end(&self, span: SpanData) {
            self.0.lock().unwrap().push(span);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    #[test]
    fn every_request_that_is_collected_has_its_span_and_links_are_bounded() {
        let ended = Ended::default();
        let provider = SdkTracerProvider::builder().with_span_processor(ended.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let context = |flags: &'static str| move |n: u64| format!("00-{n:032x}-{n:016x}-{flags}");
        let unwanted = (1..=100).map(context("00"));
        let wanted = (101..=300).map(context("01"));
        // Each has several events in the batch.
        let contexts = unwanted.chain(wanted.clone()).chain(wanted);
        tracing::subscriber::with_default(Registry::default().with(layer), || drop(Traced::of(contexts)));
        let ended = ended.0.lock().unwrap();
        let published = ended.iter().filter(|span| span.name == "publish");
        let mut traces: Vec<_> = published.map(|span| span.span_context.trace_id().to_string()).collect();
        traces.sort();
        assert_eq!(traces, (101..=300_u64).map(|n| format!("{n:032x}")).collect::<Vec<_>>());
        let transaction = ended.iter().find(|span| span.name == "relay transaction").unwrap();
        assert_eq!(transaction.links.iter().count(), trace::MAX_LINKS);
        assert!(transaction.links.iter().all(|link| link.span_context.is_sampled()));
    }
}
