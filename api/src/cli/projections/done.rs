//! What became of a build, for programs.

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Done<'d> {
    pub(super) projection: &'d str,
    pub(super) build: &'d str,
    /// As `orders projections list` calls it, or `dropped`.
    pub(super) state: &'static str,
    /// Every event up to here is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<u64>,
    /// The build that served until then; `null` where there was none, or this one did already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instead_of: Option<Option<&'d str>>,
}
