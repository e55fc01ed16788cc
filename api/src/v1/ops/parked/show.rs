//! `GET /v1/ops/parked/{id}`: one effect with all that is known of it, also after somebody decided. What its event
//! says, which may be personal, is for keys that may read history too.

use super::super::super::reads::json_of;
use super::{Item, ItemResource, not_found};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::{ReadEvents, RunSystem};
use crate::http::query::Query;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use consumers::parked;
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    Item(id): Item,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    let detail = within(parked::show(&app.log, id)).await?.ok_or_else(not_found)?;
    json_of(&ItemResource::of(&detail, allowed.also::<ReadEvents>()))
}
