//! What is told of a process that runs, and to whom.

use super::{Secret, SettingsError};
use clap::Args;
use std::time::Duration;
use url::Url;

/// What is told of a process that runs, and to whom. The names are those of OpenTelemetry's specification, where it has
/// one.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Telemetry")]
pub struct TelemetryArgs {
    /// Seconds without progress, though there is work, after which it is said
    #[arg(long, value_name = "SECONDS", env = "ORDERS_STALL_AFTER_S", hide_env_values = true, default_value_t = 60,
          value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub stall_after_s: u32,
    /// Collector of traces, by OTLP over HTTP (protobuf), such as http://127.0.0.1:4318 [default: none, nothing is
    /// traced]
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env_values = true)]
    pub otlp_endpoint: Option<Secret>,
    /// Headers for the collector: name=value, several separated by commas
    #[arg(long, value_name = "HEADERS", env = "OTEL_EXPORTER_OTLP_HEADERS", hide_env_values = true)]
    pub otlp_headers: Option<Secret>,
    /// Milliseconds that the collector may take to answer
    #[arg(long, value_name = "MILLISECONDS", env = "OTEL_EXPORTER_OTLP_TIMEOUT", hide_env_values = true,
          default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub otlp_timeout_ms: u32,
    /// Share of the traces that begin here that is collected, from 0 to 1; a trace that a client began is collected if
    /// the client says so
    #[arg(long, value_name = "SHARE", env = "OTEL_TRACES_SAMPLER_ARG", hide_env_values = true, default_value = "1",
          value_parser = share)]
    pub trace_share: f64,
    /// Name under which traces are collected
    #[arg(long, value_name = "NAME", env = "OTEL_SERVICE_NAME", hide_env_values = true, default_value = "orders")]
    pub service_name: String,
}

/// A collector of traces.
#[derive(Debug, Clone, PartialEq)]
pub struct Collector {
    /// Where traces are sent.
    pub url: Url,
    /// What is sent along with them.
    pub headers: Vec<(String, Secret)>,
    /// How long it may take to answer.
    pub answers_within: Duration,
    /// The share of the traces that begin here that is collected.
    pub share: f64,
    /// The name under which they are.
    pub service: String,
}

impl TelemetryArgs {
    /// How long no progress is taken for a pause.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.stall_after_s.into())
    }

    /// The collector, if there is one.
    pub fn collector(&self) -> Result<Option<Collector>, SettingsError> {
        // An empty variable is an unset one, by the specification.
        let Some(endpoint) = self.otlp_endpoint.as_ref().filter(|endpoint| !endpoint.is_empty()) else {
            return Ok(None);
        };
        let url = traces_url(endpoint.expose()).ok_or(SettingsError::Collector)?;
        let headers = self.otlp_headers.as_ref().map_or("", Secret::expose);
        Ok(Some(Collector {
            url,
            headers: headers_of(headers).ok_or(SettingsError::CollectorHeaders)?,
            answers_within: Duration::from_millis(self.otlp_timeout_ms.into()),
            share: self.trace_share,
            service: self.service_name.clone(),
        }))
    }
}

/// The specification's rule: `v1/traces` below the endpoint.
fn traces_url(endpoint: &str) -> Option<Url> {
    let url = Url::parse(&format!("{}/v1/traces", endpoint.trim_end_matches('/'))).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

fn headers_of(text: &str) -> Option<Vec<(String, Secret)>> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let value = percent_encoding::percent_decode_str(value.trim()).decode_utf8().ok()?;
            Some((name.trim().to_owned(), Secret::from(&*value)))
        })
        .collect()
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "it is no number from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        telemetry: TelemetryArgs,
    }

    fn of(arguments: &[&str]) -> Result<Option<Collector>, SettingsError> {
        let arguments = ["orders"].iter().chain(arguments);
        Program::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}")).telemetry.collector()
    }

    #[test]
    fn without_an_endpoint_nothing_is_traced() {
        assert_eq!(of(&[]).ok(), Some(None));
        assert_eq!(of(&["--otlp-endpoint", ""]).ok(), Some(None));
    }

    #[test]
    fn an_endpoint_is_the_base_of_an_address() {
        let collector = of(&["--otlp-endpoint", "https://c.example/otlp/", "--otlp-headers", "api-key=a%20b, x=1"]);
        let collector = collector.ok().flatten().unwrap_or_else(|| panic!("it is one"));
        assert_eq!(collector.url.as_str(), "https://c.example/otlp/v1/traces");
        let headers: Vec<_> = collector.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(headers, [("api-key", "a b"), ("x", "1")]);
        for wrong in ["c.example:4318", "ftp://c.example", "/v1"] {
            assert!(matches!(of(&["--otlp-endpoint", wrong]), Err(SettingsError::Collector)), "{wrong}");
        }
        let headers = of(&["--otlp-endpoint", "http://c.example", "--otlp-headers", "secret"]);
        assert!(matches!(headers, Err(SettingsError::CollectorHeaders)), "and its text holds no secret");
    }

    #[test]
    fn a_share_is_from_0_to_1() {
        for wrong in ["-0.1", "1.1", "half", "NaN"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
        assert_eq!(share("0.25"), Ok(0.25));
    }
}
