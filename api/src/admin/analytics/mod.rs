//! `/analytics/`: what was sold in a range of days, in pictures. Each picture has its table, and each table is had as a
//! file.
//!
//! - [`show`]: the page. [`figure`]: what is drawn, with the table that it is drawn of. [`headline`]: the numbers
//!   above.
//! - [`files`]: the tables for spreadsheets.

mod figure;
mod files;
mod headline;
mod show;

use super::texts::text_with;
use crate::analytics::Unfit;
use crate::http::{Produces, Routes};
use crate::shop::with_slash;
use axum::routing::get;
use projections::sales::MAX_DAYS;

const PATH: &str = "/analytics/";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(PATH, Produces::Html, get(show::handle))
        .route("/analytics/{file}", Produces::Html, get(files::handle))
        .always("/analytics", Produces::Html, get(with_slash))
}

/// What is wrong with a range, in words.
fn wrong(unfit: Unfit) -> String {
    text_with(unfit.text(), &[("days", MAX_DAYS.into())])
}
