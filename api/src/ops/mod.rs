//! How the system is, for whoever runs it.
//!
//! - [`status`]: the shape in which it is told. [`monitor`]: finds it out, and keeps the numbers for Prometheus fresh.
//! - [`reader`]: what follows the log in this process. [`watchdog`]: which of that makes no progress.
//! - `steering`: what a person orders that takes long.
//! - `everything`: what other processes run, as PostgreSQL knows it. `groups`: how far the consumers are behind.
//!   `leads`: whether anybody leads. [`tasks`]: the schedule. [`history`]: the last hour.

mod everything;
mod gather;
mod groups;
pub mod history;
mod leads;
pub mod monitor;
pub mod reader;
pub mod status;
pub(crate) mod steering;
pub(crate) mod tasks;
pub mod watchdog;

pub use monitor::Monitor;
pub use reader::Reader;
