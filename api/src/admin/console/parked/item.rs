//! `GET /ops/parked/{id}/`: an item that needs a person, or waits, with all that is known of it.

use super::super::PATH;
use super::super::deed::{Act, Deed};
use crate::admin::actors::Actors;
use crate::admin::{AdminPage, Section, StaffVisit};
use crate::app::App;
use crate::auth::permission::{ReadEvents, RunSystem};
use crate::problem::within;
use crate::shop::Fault;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use consumers::ledger::State as LedgerState;
use consumers::parked::{self, Decision, Detail};
use std::sync::Arc;
use std::time::Instant;

#[derive(Template)]
#[template(path = "admin/console_item.html")]
struct Shown {
    page: AdminPage,
    path: &'static str,
    /// Where all are that need a person.
    list: &'static str,
    detail: Detail,
    state: &'static str,
    /// Where the order is looked at, if it is about one.
    order: Option<String>,
    /// What the log says happened, and what leads to whom and whence; for those alone who may read history.
    payload: Option<String>,
    trace: Option<String>,
    decided_by: Option<String>,
    retry: Option<Act>,
    discard: Option<Act>,
}

pub(in super::super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<RunSystem>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let (id, begun): (i64, _) = (id.parse().map_err(|_| Fault::NotFound)?, Instant::now());
    let detail = within(parked::show(&app.log, id)).await?.ok_or(Fault::NotFound)?;
    let item = &detail.item;
    let (needs_somebody, waits) =
        (matches!(item.state, LedgerState::Parked | LedgerState::Unknown), item.state == LedgerState::Waiting);
    let deed = |decision| Deed::Item(decision, id).act();
    let event = detail.event.as_ref().filter(|_| visit.may::<ReadEvents>());
    let actors = Actors::of(&app, detail.decided_by.as_deref().into_iter()).await?;
    let shown = Shown {
        decided_by: detail.decided_by.as_deref().map(|who| actors.name(who)),
        path: PATH,
        list: super::PATH,
        state: item.state.as_str(),
        order: (item.aggregate_type == "order").then(|| format!("/admin/orders/{}/", item.aggregate_id)),
        payload: event.map(|event| pretty(&event.payload)),
        trace: event.and_then(|event| trace(&event.metadata)),
        retry: (needs_somebody || waits).then(|| deed(Decision::Retry)),
        discard: needs_somebody.then(|| deed(Decision::Discard)),
        page: visit.page(Section::Console),
        detail,
    };
    visit.show(&shown, begun.elapsed()).await
}

fn pretty(json: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(json).ok();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| json.to_owned())
}

/// The trace that an event belongs to, out of its metadata.
fn trace(metadata: &str) -> Option<String> {
    let metadata: serde_json::Value = serde_json::from_str(metadata).ok()?;
    metadata.get("traceparent")?.as_str().map(str::to_owned)
}
