//! Numbers for Prometheus. The crates count through the `metrics` facade; what they counted is rendered at `/metrics`.
//!
//! - [`catalogue`]: every number that there is. [`requests`]: how long requests took.
//! - [`gauges`], [`process`]: what is looked at again and again instead of being counted, see [`crate::ops::Monitor`].

pub mod catalogue;
pub(crate) mod gauges;
pub(crate) mod process;
mod requests;

pub(crate) use requests::RequestsOf;

use catalogue::Kind;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often what was measured is put into its buckets, so that it does not pile up when nobody scrapes.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The media type of what `/metrics` answers.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The recorder of this process, installed by the first call.
pub fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let recorder = builder().unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder of metrics is installed: /metrics stays empty");
        }
        catalogue::describe();
        process::began();
        handle
    })
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    catalogue::ALL.iter().try_fold(PrometheusBuilder::new(), |builder, metric| match metric.kind {
        Kind::Histogram(buckets) => builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets),
        Kind::Counter | Kind::Gauge | Kind::Summary => Ok(builder),
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
