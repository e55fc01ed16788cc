//! The library behind the program `orders`: commands and reads over HTTP.
//!
//! - [`http`]: serving, and what every request goes through. [`v1`]: the resources.
//! - [`problem`]: faults as RFC 9457, and the one place that gives a domain's refusal its status.
//! - [`auth`]: API keys and what they allow.
//! - [`health`], [`metrics`]: whether this process can do its work, and how it does.
//!
//! Only this crate knows status codes.

pub mod auth;
pub mod health;
pub mod http;
pub mod metrics;
pub mod problem;
pub mod v1;
