//! The write side on real PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that can not go on says so by a panic"
)]

mod aggregate;
mod append;
mod batches;
mod catalogue;
mod compatibility;
mod faults;
mod gate;
mod gateway;
mod idempotency;
mod rights;
mod shop;
