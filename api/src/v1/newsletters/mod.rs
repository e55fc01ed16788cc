//! Issues of the newsletter, behind the counter: written, rewritten, and released, at once or at their hour.

pub(super) mod get;
mod id;
mod operations;
pub(super) mod outcomes;
pub(super) mod release;
mod resource;
pub(super) mod write;

pub(super) use operations::operations;
