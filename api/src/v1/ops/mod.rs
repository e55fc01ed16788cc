//! What whoever runs the system looks at, and instructs.

pub(crate) mod audit;
pub(crate) mod consumers;
pub(super) mod dead_letters;
pub(super) mod instances;
pub(crate) mod mails;
mod operations;
pub(crate) mod parked;
pub(super) mod projections;
pub(super) mod schedule;
pub(super) mod status;
mod traced;
mod words;

pub(super) use operations::operations;
