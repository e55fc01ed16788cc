//! Numbers for Prometheus. The crates count through the `metrics` facade; what they counted is rendered at `/metrics`.

use http::Method;
use metrics::Histogram;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often what was measured is put into its buckets, so that it does not pile up when nobody scrapes.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// Buckets of everything that is measured in seconds.
const SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The recorder of this process, installed by the first call.
pub fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder of metrics is installed: /metrics stays empty");
        }
        handle
    })
}

/// Keeps the recorder's memory bounded until `cancel`.
pub async fn run(cancel: CancellationToken) {
    let upkeep = async {
        loop {
            tokio::time::sleep(UPKEEP_EVERY).await;
            recorder().run_upkeep();
        }
    };
    cancel.run_until_cancelled(upkeep).await;
}

/// How long the requests of one path took. Looking a histogram up by its labels each time would cost more than measuring.
pub(crate) struct RequestTimes {
    path: &'static str,
    histograms: RwLock<Vec<((Method, u16), Histogram)>>,
}

impl RequestTimes {
    pub(crate) fn new(path: &'static str) -> Self {
        Self { path, histograms: RwLock::default() }
    }

    pub(crate) fn record(&self, method: &Method, status: u16, took: Duration) {
        // A client may make methods up; numbers have few names.
        let method = if is_standard(method) { method.clone() } else { Method::OPTIONS };
        let key = (method, status);
        let find = |known: &Vec<((Method, u16), Histogram)>| {
            known.iter().find(|(known, _)| *known == key).map(|(_, histogram)| histogram.clone())
        };
        let known = find(&self.histograms.read().unwrap_or_else(PoisonError::into_inner));
        let histogram = known.unwrap_or_else(|| self.register(&key));
        histogram.record(took);
    }

    fn register(&self, key: &(Method, u16)) -> Histogram {
        let (method, status) = (key.0.to_string(), key.1.to_string());
        let histogram = metrics::histogram!(
            "orders_http_request_seconds", "method" => method, "path" => self.path, "status" => status
        );
        let mut histograms = self.histograms.write().unwrap_or_else(PoisonError::into_inner);
        histograms.push((key.clone(), histogram.clone()));
        histogram
    }
}

fn is_standard(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method)
}
