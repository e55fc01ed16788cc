//! `/admin/newsletters/`: issues of the newsletter, from a draft to what became of each mail.

mod form;
mod issue;
mod list;
mod preview;
mod release;
mod write;

use crate::app::App;
use crate::auth::permission::WriteNewsletters;
use crate::http::{Produces, Routes};
use crate::problem::within;
use crate::shop::{Fault, with_slash};
use axum::routing::{get, post};
use commands::Snapshot;
use domain::ids::IssueId;
use domain::newsletter::Newsletter;
use std::sync::Arc;

const PATH: &str = "/admin/newsletters/";
const WRITE: &str = "/admin/new/newsletter/";

type Acting = crate::admin::acting::Acting<WriteNewsletters>;
type Visit = crate::admin::StaffVisit<WriteNewsletters>;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(PATH, Produces::Html, get(list::handle))
        .route(WRITE, Produces::Html, get(write::ask).post(write::draft))
        .route("/admin/newsletters/{id}/", Produces::Html, get(issue::handle).post(write::rewrite))
        .route("/admin/newsletters/{id}/preview/{lang}/", Produces::Html, get(preview::handle))
        .route("/admin/newsletters/{id}/release/", Produces::Html, post(release::handle))
        .route("/admin/newsletters/{id}/cancel/", Produces::Html, post(release::cancel))
        .always("/admin/newsletters", Produces::Html, get(with_slash))
}

/// Where an issue's own page is.
fn path(id: IssueId) -> String {
    format!("{PATH}{id}/")
}

/// An issue that there is; a page is shown of no other.
async fn known(app: &App, id: &str) -> Result<(IssueId, Arc<Snapshot<Newsletter>>), Fault> {
    let id = IssueId(id.parse().map_err(|_| Fault::NotFound)?);
    let snapshot = within(app.gateway.load::<Newsletter>(&id.to_string())).await?;
    if snapshot.version == 0 { Err(Fault::NotFound) } else { Ok((id, snapshot)) }
}
