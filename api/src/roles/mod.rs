//! What the program can be: everything in one process, or one role of it.
//!
//! - [`serve`](mod@serve): all of it. [`apart`]: each role as a process of its own.
//! - [`process`]: what long-running roles have in common. [`supervise`]: no task ends unseen.
//! - [`database`]: the configured database, a running system's, or a private one.

pub mod apart;
mod core;
pub mod database;
mod failure;
mod probe;
pub mod process;
pub mod serve;
mod signals;
pub mod supervise;

pub use self::core::Core;
pub use database::{Asker, Database, data_path};
pub use failure::Failure;
pub use process::Process;
pub(crate) use serve::public_base;
pub use serve::{ServeArgs, serve};
