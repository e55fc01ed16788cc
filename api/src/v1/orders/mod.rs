//! Orders.

pub(super) mod add_item;
pub(super) mod get;
mod id;
pub(super) mod list;
pub(super) mod place;
pub(super) mod record_payment;
pub mod resource;
pub(super) mod search;
