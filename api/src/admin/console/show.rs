//! `GET /ops/`: the page, with the board as it is.

use super::{Console, PATH};
use crate::admin::{AdminPage, Section, StaffVisit};
use crate::app::App;
use crate::auth::permission::RunSystem;
use crate::shop::Fault;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;
use std::time::Instant;

#[derive(Template)]
#[template(path = "admin/console.html")]
struct Shown {
    page: AdminPage,
    path: &'static str,
    board: Arc<str>,
}

pub(super) async fn handle(State(app): State<Arc<App>>, visit: StaffVisit<RunSystem>) -> Result<Response, Fault> {
    let (console, begun): (&Console, _) = (&app.console, Instant::now());
    let page = visit.page(Section::Console);
    // Somebody who has just done something is shown what came of it.
    let board = if page.notices.is_empty() { console.drawn(&app).await } else { console.drawn_anew(&app).await };
    visit.show(&Shown { page, path: PATH, board: board? }, begun.elapsed()).await
}
