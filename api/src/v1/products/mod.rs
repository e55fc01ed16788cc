//! The catalogue.

pub(super) mod add;
pub(super) mod change;
pub(super) mod get;
pub(super) mod history;
pub(super) mod list;
mod operations;
pub(super) mod picture;
mod presentation;
mod resource;
pub(super) mod sale;
pub(super) mod sku;

pub(super) use operations::{example, operations};
