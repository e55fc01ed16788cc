//! The read models on a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod as_of;
mod builds;
mod categories;
mod decided;
mod desk;
mod history;
mod newsletters;
mod order_list;
mod order_totals;
mod paging;
mod process;
mod products;
mod rebuilds;
mod sales;
mod starts;
mod stops;
mod verify;
mod versions;
mod waits;
mod what_if;
mod what_if_code;
mod writers;
