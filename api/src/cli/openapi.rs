//! `orders openapi`: the API's document.

use crate::openapi;
use crate::roles::Failure;
use std::io::Write;

/// It needs nothing.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OpenapiArgs {}

/// Prints the document as `/openapi.json` serves it.
pub(crate) fn run() -> Result<(), Failure> {
    Ok(std::io::stdout().write_all(openapi::text().as_bytes())?)
}
