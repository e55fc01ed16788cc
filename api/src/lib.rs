//! The library behind the program `orders`: commands and reads over HTTP, the roles, and the start with nothing
//! configured.
//!
//! - [`app`]: the server as a whole. [`http`]: serving, and what every request goes through. [`v1`]: the resources.
//!   [`shop`]: the pages.
//! - `admin`: the pages of staff.
//! - `analytics`: what was sold, for pages, programs and terminals; `csv`, `days`: what they are made of.
//! - [`problem`]: faults as RFC 9457, and the one place that gives a domain's refusal its status.
//! - [`schemas`]: what is published about events, as documents.
//! - [`payments`]: payment providers, what they are asked and what they tell.
//! - `pictures`: pictures of products, from what staff hand in to the files that pages show.
//! - `csv`: tables for spreadsheets.
//! - `product_history`, `order_history`: what happened to a product, and to an order, from their events.
//! - [`auth`]: API keys and what they allow.
//! - [`openapi`]: the API as a document, and its pages.
//! - [`cli`], [`settings`]: what the command line and the environment say. [`roles`]: what the program can be.
//! - [`shared`]: what processes share through Redis.
//! - [`scheduled`]: work at a given time that goes through the gateway.
//! - [`embedded`]: what it brings along when nothing is configured.
//! - [`health`], [`metrics`], [`logging`]: whether this process can do its work, and how it does.
//! - [`x_ray`]: one order with all that is known of it, as a file without personal data.
//! - [`ops`]: how the system is, for whoever runs it. `telemetry`: traces, for whoever collects them.
//! - [`failpoints`]: where tests kill it; in no other build.
//!
//! Only this crate knows status codes.

pub(crate) mod admin;
mod analytics;
pub mod app;
pub mod auth;
pub mod cli;
pub(crate) mod corrections;
pub(crate) mod csv;
mod days;
pub mod embedded;
pub mod failpoints;
pub mod health;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod openapi;
pub mod ops;
mod order_history;
pub(crate) mod order_name;
pub mod payments;
mod pictures;
pub mod problem;
mod product_history;
pub mod roles;
pub mod scheduled;
pub mod schemas;
pub mod settings;
pub mod shared;
pub mod shop;
mod telemetry;
pub mod v1;
pub mod x_ray;
