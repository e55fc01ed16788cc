//! `GET /ops/dead-letters/`: what was parked, as it stands in the dead-letter topic, the newest first. Each leads to
//! its item, where it is decided on.

use super::parked;
use crate::admin::list::{Pager, Query};
use crate::admin::texts::{text, text_with};
use crate::admin::{AdminPage, Section, StaffVisit};
use crate::app::App;
use crate::auth::permission::{ReadEvents, RunSystem};
use crate::problem::Code;
use crate::shop::Fault;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use consumers::parked::letters::{Letter, Page};
use std::sync::Arc;
use std::time::Instant;

/// Where they are.
pub(super) const PATH: &str = "/ops/dead-letters/";
/// How many stand on a page.
const PAGE_LETTERS: u32 = 50;

/// A letter as it is shown.
struct Row {
    /// Its number in the ledger, and where it is decided on; none of a record that is none of ours.
    item: Option<(i64, String)>,
    /// For those alone who may read history.
    value: Option<String>,
    letter: Letter,
}

#[derive(Template)]
#[template(path = "admin/console_letters.html")]
struct Shown {
    page: AdminPage,
    console: &'static str,
    rows: Vec<Row>,
    pager: Pager,
    /// Why they can't be read, and what to do.
    away: Option<String>,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let (query, begun) = (Query::parse(query.as_deref()), Instant::now());
    let before: Option<i64> = query.after().map(str::parse).transpose().map_err(|_| Fault::Invalid)?;
    let (found, away) = match app.dead_letters.page(before, PAGE_LETTERS).await {
        Ok(found) => (found, None),
        Err(problem) => match problem.code() {
            Code::KafkaNotConfigured => (Page::default(), Some(text("ops-letters-no-kafka"))),
            Code::KafkaUnavailable => (Page::default(), Some(text("ops-letters-later"))),
            _ => return Err(problem.into()),
        },
    };
    let with_values = visit.may::<ReadEvents>();
    let count = text_with("ops-letters-here", &[("count", found.letters.len().into())]);
    let pager = Pager::new(PATH, &query, count, found.before.map(|before| before.to_string()).as_deref());
    let row = |mut letter: Letter| Row {
        item: letter.item.map(|id| (id, parked::path(id))),
        value: letter.value.take().filter(|_| with_values),
        letter,
    };
    let shown = Shown {
        page: visit.page(Section::Console),
        console: super::PATH,
        rows: found.letters.into_iter().rev().map(row).collect(),
        pager,
        away,
    };
    visit.show(&shown, begun.elapsed()).await
}
