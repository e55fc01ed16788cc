//! The read models on a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod categories;
mod desk;
mod history;
mod newsletters;
mod order_list;
mod order_totals;
mod paging;
mod process;
mod products;
mod rebuilds;
mod stops;
mod verify;
mod waits;
mod writers;
