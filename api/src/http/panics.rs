//! Panics in the log.

use std::panic::PanicHookInfo;

/// Writes every panic of this process to the log, once, where it happened: within a request's span, so that its id is
/// known. Replaces the hook that prints to standard error. To be called once, by the program.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().map_or_else(|| "unknown place".to_owned(), ToString::to_string);
        tracing::error!(at, "panicked: {}", message(info));
    }));
}

fn message<'i>(info: &'i PanicHookInfo<'_>) -> &'i str {
    info.payload_as_str().unwrap_or("no message")
}
