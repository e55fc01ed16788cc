//! The catalogue.

pub(super) mod add;
pub(super) mod change;
pub(super) mod get;
pub(super) mod list;
mod operations;
mod presentation;
mod resource;
pub(super) mod sale;
pub(super) mod sku;

pub(super) use operations::{example, operations};
