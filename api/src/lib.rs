//! The library behind the program `orders`: commands and reads over HTTP, the roles, and the start with nothing configured.
//!
//! - [`http`]: serving, and what every request goes through. [`v1`]: the resources. [`shop`]: the pages.
//! - [`problem`]: faults as RFC 9457, and the one place that gives a domain's refusal its status.
//! - [`payments`]: payment providers, what they are asked and what they tell.
//! - [`auth`]: API keys and what they allow.
//! - [`cli`], [`settings`]: what the command line and the environment say. [`roles`]: what the program can be.
//! - [`shared`]: what processes share through Redis.
//! - [`scheduled`]: work at a given time that goes through the gateway.
//! - [`embedded`]: what it brings along when nothing is configured.
//! - [`health`], [`metrics`], [`logging`]: whether this process can do its work, and how it does.
//! - [`failpoints`]: where tests kill it; in no other build.
//!
//! Only this crate knows status codes.

pub mod auth;
pub mod cli;
pub mod embedded;
pub mod failpoints;
pub mod health;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod payments;
pub mod problem;
pub mod roles;
pub mod scheduled;
pub mod settings;
pub mod shared;
pub mod shop;
pub mod v1;
