//! `/admin/newsletters/`: the issues, the newest first.

use super::{PATH, Visit};
use crate::admin::list::{Filters, Pager, Query};
use crate::admin::texts::{text, text_with};
use crate::admin::{AdminPage, Section};
use crate::app::App;
use crate::problem::within;
use crate::scheduled;
use crate::shop::{Fault, Reads};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use commands::subscribers;
use projections::Projection;
use projections::newsletters::{self, IssueRow, Newsletters};
use std::collections::HashMap;
use std::sync::Arc;

const PAGE_ROWS: u32 = 50;

struct Row {
    issue: IssueRow,
    /// When it goes out by itself, if it does.
    release_at: Option<DateTime<Utc>>,
}

#[derive(Template)]
#[template(path = "admin/newsletters.html")]
struct Shown {
    page: AdminPage,
    filters: Filters,
    pager: Pager,
    rows: Vec<Row>,
    subscribers: i64,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(raw): RawQuery,
) -> Result<Response, Fault> {
    let query = Query::parse(raw.as_deref());
    let released = query.get("state").map(|state| state == "released");
    let after = query.after().and_then(|id| id.parse().ok());
    let mut reads = Reads::default();
    let list = newsletters::list(&app.views, released, after, PAGE_ROWS);
    let found = reads.run(Newsletters::NAME, list).await?;
    let keys: Vec<String> = found.rows.iter().map(|row| row.id.to_string()).collect();
    let due = within(scheduled::releases(app.members.schedule(), &keys)).await?;
    let mut due: HashMap<String, DateTime<Utc>> = due.into_iter().map(|job| (job.key, job.run_at)).collect();
    let subscribers = within(subscribers::count(app.log.pool())).await?;
    let count = text_with("goods-shown", &[("count", found.rows.len().into())]);
    let next = found.next.map(|id| id.to_string());
    let states = [("draft", text("issue-not-released")), ("released", text("issue-released"))];
    let shown = Shown {
        page: visit.page(Section::Newsletters),
        filters: Filters::new(PATH, &query).choices(text("issue-state"), "state", &states),
        pager: Pager::new(PATH, &query, count, next.as_deref()),
        rows: found
            .rows
            .into_iter()
            .map(|issue| Row { release_at: due.remove(&issue.id.to_string()), issue })
            .collect(),
        subscribers,
    };
    visit.show(&shown, reads.took).await
}
