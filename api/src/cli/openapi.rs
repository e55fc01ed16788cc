//! `orders openapi`: the API's document.

use super::tell::say;
use crate::openapi;
use crate::roles::Failure;

/// It needs nothing.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OpenapiArgs {}

/// Prints the document as `/openapi.json` serves it.
pub(crate) fn run() -> Result<(), Failure> {
    say(&openapi::text())
}
