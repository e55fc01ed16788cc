//! The write side on real PostgreSQL.

mod append;
mod catalogue;
mod compatibility;
mod faults;
mod gateway;
mod idempotency;
mod rights;
mod shop;
