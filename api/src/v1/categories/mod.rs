//! Categories: what products stand under.

pub(super) mod add;
pub(super) mod change;
pub(super) mod get;
pub(super) mod list;
mod operations;
mod resource;
pub(super) mod shown;
mod slug;

pub(super) use operations::operations;
