//! What whoever runs the system looks at.

pub(super) mod schedule;
