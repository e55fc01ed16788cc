//! The servers themselves: each starts, is usable, breaks when asked to, and ends with the process.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod browser;
mod compose;
mod failpoints;
mod hang_ups;
mod kafka;
mod postgres;
mod program;
mod readme;
mod scripted_smtp;
mod smtp;
mod structure;
mod toxiproxy;
