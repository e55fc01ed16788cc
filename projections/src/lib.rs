//! Read models: views of the log that follow it inside PostgreSQL.
//!
//! A view is exactly its history. Its rows and its checkpoint are written in one transaction, by compare and set, so an
//! event is applied once however many processes try; on an event that it can't read a view stops and says so. Whatever
//! a crash takes from a view, the log gives back.
//!
//! # Adding one
//!
//! One file, its SQL beside it, and one line in the [`registry!`](crate::REGISTRY) below: the file declares the name,
//! the version, the tables and the events wanted ([`Projection`]), and writes a batch at a time through a
//! [`ViewTransaction`], which can do nothing but SQL. Checkpoint, batching, wake-ups, rebuild, promotion, status and
//! metrics come with it. Reading is a function of the same file that asks [`Views`].
//!
//! # How it fits together
//!
//! - [`projection`]: what a read model declares. [`view_transaction`]: all that it is given.
//! - [`runner`]: follows the log with one view. [`mod@rebuild`]: makes one anew beside the one that serves, then swaps.
//! - [`fn@overview`], [`mod@diff`], [`promote`], [`rollback`], [`drop_build`]: builds as a person sees them and decides
//!   on them.
//! - [`verify`]: whether one is what a rebuild would give.
//! - [`what_if`]: what would have been with other prices, or with other code.
//! - [`x_ray`]: one order's rows in all views, and those that its events lead to.
//! - [`AsOfError`]: views as they were at an earlier position, by the folds that write them.
//! - [`Views`]: the handle through which views are read, waited for and watched.
//!
//! Each build of a view is a schema of its own (`order_list_v1_2`: version 1, build 2). The registry names the active
//! one; readers put that name into their SQL and see in the answer to the same statement whether it still is.

mod as_of;
mod aside;
mod asked;
mod build;
mod checkpoint;
mod cut;
pub mod diff;
mod dropping;
mod error;
mod exchange;
mod feed;
mod indexes;
mod observed;
mod overview;
pub mod projection;
mod promotion;
mod read;
mod reading;
pub mod rebuild;
mod recorded;
pub mod runner;
mod status;
mod step;
mod sum;
pub mod verify;
pub mod view_transaction;
mod views;
pub mod what_if;
pub mod x_ray;

pub use as_of::AsOfError;
pub use asked::ask_for_build;
pub use build::State as BuildState;
pub use commands::Start;
pub use error::{ProjectionError, RunError};
pub use exchange::{drop_build, promote, rollback};
pub use observed::{ObservedView, observe};
pub use overview::{BuildOverview, ViewOverview, overview, overview_counted};
pub use projection::{Definition, Projection, Wants};
pub use promotion::Asked;
pub use read::{Page, ReadBuild, ReadError, Seen};
pub use reading::lease_name;
pub use rebuild::{OnProgress, Progress, Rebuilt, build_beside, rebuild};
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
    sales::Sales,
];
