//! Real servers for the tests of every crate: PostgreSQL, Apache Kafka, an SMTP server with TLS and login, the built
//! program itself as a child process, and a browser that looks at it. Beside them a scripted SMTP server, for the
//! faults that no real one shows on demand, Redis, nginx, a collector of traces, and a proxy that cuts and slows the
//! links between all of these.
//!
//! Nothing here is a stand-in that answers as we wish, and nothing is skipped: what is missing on the machine fails the
//! test with the name of what to install. Everything listens on 127.0.0.1 alone, and ends with the test process, also
//! when that is killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that fails is a test that fails, at the caller's line where that can be had"
)]

pub mod browser;
pub mod kafka;
pub mod nginx;
pub mod otlp;
pub mod paypal;
pub mod postgres;
pub mod program;
pub mod redis;
pub mod smtp;
pub mod tls;
pub mod toxiproxy;

mod eventually;
mod ports;
mod prerequisites;
mod process;

pub use eventually::{Outcome, eventually};
pub use ports::free_port;
pub use postgres::Db;
pub use prerequisites::{api_tool, asyncapi_schema, promtool, python, viewer_file};
pub use program::{Finished, Launch, Program};
