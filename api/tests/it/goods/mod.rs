//! What the shop has and who it is for, behind the counter and by the API.

mod browser;
mod catalogue;
mod counter;
mod members;
mod newsletters;
mod permissions;
pub mod pictures;
mod schedule;
pub mod support;
