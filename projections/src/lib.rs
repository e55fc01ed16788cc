//! Read models: views of the log that follow it inside PostgreSQL.
//!
//! A view is exactly its history. Its rows and its checkpoint are written in one transaction, by compare and set, so an
//! event is applied once however many processes try; on an event that it can't read a view stops and says so. Whatever a
//! crash takes from a view, the log gives back.
//!
//! # Adding one
//!
//! One file, its SQL beside it, and one line in the [`registry!`](crate::REGISTRY) below: the file declares the name, the
//! version, the tables and the events wanted ([`Projection`]), and writes a batch at a time through a
//! [`ViewTransaction`], which can do nothing but SQL. Checkpoint, batching, wake-ups, rebuild, promotion, status and
//! metrics come with it. Reading is a function of the same file that asks [`Views`].
//!
//! # How it fits together
//!
//! - [`projection`]: what a read model declares. [`view_transaction`]: all that it is given.
//! - [`runner`]: follows the log with one view. [`mod@rebuild`]: makes one anew beside the one that serves, then swaps.
//! - [`verify`]: whether one is what a rebuild would give.
//! - [`Views`]: the handle through which views are read, waited for and watched.
//!
//! Each build of a view is a schema of its own (`order_list_v1_2`: version 1, build 2). The registry names the active
//! one; readers put that name into their SQL and see in the answer to the same statement whether it still is.

mod build;
mod checkpoint;
mod error;
mod feed;
pub mod projection;
mod read;
pub mod rebuild;
pub mod runner;
mod status;
mod step;
pub mod verify;
pub mod view_transaction;
mod views;

pub use error::{ProjectionError, RunError};
pub use projection::{Definition, Projection, Wants};
pub use read::{Page, ReadError, Seen};
pub use rebuild::{Progress, Rebuilt, rebuild};
pub use runner::run;
pub use status::{ReaderState, ReaderStatus};
pub use view_transaction::ViewTransaction;
pub use views::{Settings, Views, WaitError};

/// Declares the modules of the read models, and [`REGISTRY`], which lists what each declares.
macro_rules! registry {
    [$($module:ident :: $projection:ident),+ $(,)?] => {
        $(pub mod $module;)+

        /// Every read model.
        pub static REGISTRY: &[Definition] = &[$(Definition::of::<$module::$projection>()),+];
    };
}

registry![
    order_list::OrderList,
    order_totals::OrderTotals,
    products::Products,
    categories::Categories,
    newsletters::Newsletters,
];
