//! Orders.
//!
//! A command's faults are told in two stages. First the body's form: all that can be seen from the request alone
//! (`invalid_body`). Once that is right, the order is decided on, and all faults of its items against the catalogue are
//! told (`items_rejected`: an unknown sku, one that was withdrawn, another currency). The second stage needs whole
//! items, so a body that fails the first is not held against the catalogue.

pub(super) mod add_item;
pub(super) mod correct_email;
pub(super) mod get;
pub(super) mod history;
mod id;
pub(super) mod list;
pub(super) mod messages;
mod operations;
pub(super) mod place;
pub(super) mod record_payment;
pub mod resource;
pub(super) mod search;

pub(super) use operations::operations;
