//! The write side on real PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that can not go on says so by a panic"
)]

mod aggregate;
mod append;
mod audit;
mod away;
mod batches;
mod begun;
mod carts;
mod catalogue;
mod compatibility;
mod errors;
mod faults;
mod frozen;
mod gate;
mod gateway;
mod hints;
mod idempotency;
mod lead;
mod members;
mod messages;
mod restored;
mod rights;
mod schedule;
mod sessions;
mod shop;
mod staff;
mod subscribers;
mod verify;
