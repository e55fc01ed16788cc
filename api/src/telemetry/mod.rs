//! Traces, for whoever collects them, by OTLP over HTTP. Without a collector nothing of this is there.
//!
//! A collector that is away, slow or full costs spans, and nothing else: they wait in a queue with a bound, what does
//! not fit is dropped and counted, and one task sends.

mod client;
mod export;
mod queue;

use crate::roles::Failure;
use crate::settings::Collector;
use client::Client;
use commands::{instances, trace};
use export::Export;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanExporter as _};
use queue::Queue;
use std::collections::HashMap;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::{Layer, Registry};

/// How many spans may wait to be sent.
const QUEUE_SPANS: usize = 4_096;

/// Traces that are to be collected, before anything is sent.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    export: Export,
}

/// Traces that are sent as they come.
pub(crate) struct Exporting {
    /// Ends with it.
    _provider: SdkTracerProvider,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Traces {
    /// Prepares sending to the collector. Connects to nothing yet.
    pub(crate) fn to(collector: &Collector) -> Result<Self, Failure> {
        let resource = Resource::builder()
            .with_service_name(collector.service.clone())
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", instance()),
            ])
            .build();
        let mut exporter = exporter(collector)?;
        exporter.set_resource(&resource);
        let (sender, receiver) = mpsc::channel(QUEUE_SPANS);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Queue::new(sender))
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(collector.share))))
            .with_resource(resource)
            .build();
        Ok(Self { provider, export: Export::new(receiver, exporter, &collector.url) })
    }

    /// What takes the spans of this process to the queue: our own, and of the log's lines within them those that warn.
    pub(crate) fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("orders"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            // Contexts go by `tracing`'s own spans, also from task to task.
            .with_context_activation(false);
        layer.with_filter(filter_fn(is_exported).with_max_level_hint(LevelFilter::INFO)).boxed()
    }

    /// Sends, on this runtime, until the program ends.
    pub(crate) fn start(self) -> Exporting {
        let stop = CancellationToken::new();
        let task = tokio::spawn(self.export.run(stop.clone()));
        Exporting { _provider: self.provider, task, stop }
    }
}

impl Exporting {
    /// Sends what waits, if the collector takes it soon.
    pub(crate) async fn finish(self) {
        self.stop.cancel();
        // It comes to an end by itself, and a panic there is told by the runtime.
        let _ = self.task.await;
    }
}

fn is_exported(metadata: &Metadata<'_>) -> bool {
    const OURS: [&str; 4] = ["api", "commands", "consumers", "projections"];
    if metadata.is_span() {
        return metadata.target() == trace::TARGET;
    }
    let krate = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::WARN && OURS.contains(&krate)
}

fn exporter(collector: &Collector) -> Result<SpanExporter, Failure> {
    let client = reqwest::Client::builder()
        .timeout(collector.answers_within)
        // A collector that sends elsewhere is not the one that was configured.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Failure::new(format!("no client for the collector of traces: {error}")))?;
    let headers: HashMap<String, String> =
        collector.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
    SpanExporter::builder()
        .with_http()
        .with_http_client(Client(client))
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(collector.url.as_str())
        .with_timeout(collector.answers_within)
        .with_headers(headers)
        .build()
        .map_err(|error| Failure::new(format!("traces can't be sent as configured: {error}")))
}

/// Tells the processes of one machine apart.
fn instance() -> String {
    format!("{}/{}", instances::host(), std::process::id())
}
