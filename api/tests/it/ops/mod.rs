//! What is told of a running system: numbers, traces, what stands still, how all is.

mod alerts;
mod lag_kafka;
mod metrics;
mod status;
mod traces;
mod watchdog;
