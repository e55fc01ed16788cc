//! Where spans wait to be sent. Whoever ends a span waits for nothing.

use metrics::Counter;
use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use std::fmt;
use std::time::Duration;
use tokio::sync::mpsc;

/// The way into the queue.
pub(super) struct Queue {
    sender: mpsc::Sender<SpanData>,
    dropped: Counter,
}

impl Queue {
    pub(super) fn new(sender: mpsc::Sender<SpanData>) -> Self {
        Self { sender, dropped: metrics::counter!("orders_trace_spans_total", "outcome" => "dropped") }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.sender.try_send(span).is_err() {
            self.dropped.increment(1);
        }
    }

    /// The task that sends does so by itself.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{Tracer, TracerProvider};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    #[test]
    fn what_does_not_fit_is_dropped_and_nobody_waits() {
        let (sender, mut receiver) = mpsc::channel(2);
        let provider = SdkTracerProvider::builder().with_span_processor(Queue::new(sender)).build();
        let tracer = provider.tracer("test");
        for name in ["first", "second", "third"] {
            drop(tracer.start(name));
        }
        let names: Vec<_> = std::iter::from_fn(|| receiver.try_recv().ok()).map(|span| span.name).collect();
        assert_eq!(names, ["first", "second"]);
        drop(tracer.start("fourth"));
        assert_eq!(receiver.try_recv().map(|span| span.name), Ok("fourth".into()));
    }
}
