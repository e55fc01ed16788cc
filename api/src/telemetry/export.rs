//! The one task that sends spans.

use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use url::Url;

/// The most spans in one request.
const BATCH_SPANS: usize = 512;
/// How long a batch gathers after its first span.
const GATHERS_FOR: Duration = Duration::from_secs(1);
/// How long the end of the program waits for the last ones: spans are worth no more than that.
const FINISH_AT_MOST: Duration = Duration::from_secs(3);
/// How often is said that the collector takes nothing.
const COMPLAINS_EVERY: Duration = Duration::from_secs(60);

/// Takes spans from the queue to the collector.
pub(super) struct Export {
    queue: mpsc::Receiver<SpanData>,
    batch: Vec<SpanData>,
    /// How many are on their way, and of unknown fate.
    sending: u64,
    exporter: SpanExporter,
    /// Where to, for people.
    to: String,
    complained: Option<Instant>,
    lost: u64,
}

impl Export {
    pub(super) fn new(queue: mpsc::Receiver<SpanData>, exporter: SpanExporter, to: &Url) -> Self {
        let to = format!("{}://{}", to.scheme(), to.authority().rsplit('@').next().unwrap_or_default());
        Self { queue, batch: Vec::new(), sending: 0, exporter, to, complained: None, lost: 0 }
    }

    /// Sends until `stop`, and then, for [`FINISH_AT_MOST`], what is there still. What is left is counted as dropped.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(FINISH_AT_MOST).await;
        };
        let is_late = tokio::select! {
            () = self.send_all(&stop) => false,
            () = late => true,
        };
        if is_late {
            self.give_up();
        }
    }

    async fn send_all(&mut self, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = gather(&mut self.queue, &mut self.batch) => self.send().await,
                () = stop.cancelled() => break,
            }
        }
        self.queue.close();
        while self.queue.recv_many(&mut self.batch, BATCH_SPANS).await > 0 || !self.batch.is_empty() {
            self.send().await;
        }
    }

    fn give_up(&mut self) {
        self.queue.close();
        let waiting = std::iter::from_fn(|| self.queue.try_recv().ok()).count() + self.batch.len();
        let spans = self.sending + waiting as u64;
        metrics::counter!("orders_trace_spans_total", "outcome" => "dropped").increment(spans);
        tracing::warn!(collector = self.to, spans, "the collector did not take the last spans in time; they are lost");
    }

    async fn send(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let count = batch.len() as u64;
        self.sending = count;
        let outcome = self.exporter.export(batch).await;
        self.sending = 0;
        let word = if outcome.is_ok() { "exported" } else { "failed" };
        metrics::counter!("orders_trace_spans_total", "outcome" => word).increment(count);
        match outcome {
            Ok(()) => {
                if self.complained.take().is_some() {
                    tracing::info!(collector = self.to, lost = self.lost, "traces are collected again");
                    self.lost = 0;
                }
            }
            Err(error) => {
                self.lost += count;
                if self.complained.is_none_or(|complained| complained.elapsed() >= COMPLAINS_EVERY) {
                    self.complained = Some(Instant::now());
                    tracing::warn!(
                        collector = self.to, %error, lost = self.lost,
                        "the collector takes no traces; they are lost, and nothing else suffers: see OTEL_EXPORTER_OTLP_ENDPOINT"
                    );
                }
            }
        }
    }
}

/// Gathers the next batch: what comes within a moment after its first span. Cancelled, it leaves in `batch` what it
/// has.
async fn gather(queue: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    if queue.recv_many(batch, BATCH_SPANS).await == 0 {
        // Closed: there is nothing to come.
        std::future::pending::<()>().await;
    }
    let deadline = Instant::now() + GATHERS_FOR;
    while batch.len() < BATCH_SPANS {
        match timeout_at(deadline, queue.recv()).await {
            Ok(Some(span)) => batch.push(span),
            Ok(None) | Err(_) => break,
        }
    }
}
