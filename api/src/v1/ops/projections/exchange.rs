//! `POST /v1/ops/projections/{name}/rebuild`, `…/promote` and `…/rollback`.
//!
//! A rebuild is made by the instance that leads the view. A build that is to serve is brought up to date by the process
//! that is asked: where that takes longer than a request may, it goes on after the answer, which is 202 then.

use super::super::super::incoming::Incoming;
use super::super::super::reads::json_of;
use super::{name, refusal, view};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields, Shaped};
use crate::ops::steering::{Exchange, Exchanged};
use crate::problem::{Problem, ValueError};
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

/// The name of a build: its schema.
pub(super) struct BuildName(String);

/// The text names no build.
pub(super) struct NotABuild;

impl BuildName {
    const MAX_BYTES: usize = 63;

    fn parse(text: &str) -> Result<Self, NotABuild> {
        let plain = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if plain && (1..=Self::MAX_BYTES).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(NotABuild) }
    }
}

impl Shaped for BuildName {
    fn shape() -> Value {
        json!({ "type": "string", "pattern": "^[a-z0-9_]+$", "minLength": 1, "maxLength": Self::MAX_BYTES })
    }
}

impl fmt::Display for NotABuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is not the name of a build, such as order_list_v3_1")
    }
}

impl ValueError for NotABuild {
    fn code(&self) -> &'static str {
        "not_a_build"
    }
}

/// Reads `promote`, which is `true` where it is missing.
pub(super) fn promotes(body: &mut Fields<'_, '_>) -> Option<bool> {
    body.changed_flag("promote").map(|promote| promote.unwrap_or(true))
}

/// Reads which build is to serve, and which one does as far as the client knows.
pub(super) fn promotion(body: &mut Fields<'_, '_>) -> Option<(BuildName, BuildName)> {
    let (build, active) = (body.text("build", BuildName::parse), body.text("active_build", BuildName::parse));
    Some((build?, active?))
}

/// Reads which build serves as far as the client knows.
pub(super) fn active(body: &mut Fields<'_, '_>) -> Option<BuildName> {
    body.text("active_build", BuildName::parse)
}

pub(in crate::v1) async fn rebuild(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    name::InPath(name): name::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let by = allowed.key.actor.clone();
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let promotes = body::read(&incoming.body, promotes)?;
    projections::ask_for_build(&app.views, &name, &by, promotes).await.map_err(refusal::problem)?;
    answer(&app, &name, StatusCode::ACCEPTED).await
}

pub(in crate::v1) async fn promote(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    name::InPath(name): name::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let by = allowed.key.actor.clone();
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let (build, expected) = body::read(&incoming.body, promotion)?;
    exchange(&app, Exchange { view: name, build: Some(build.0), expected: Some(expected.0), by }).await
}

pub(in crate::v1) async fn rollback(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    name::InPath(name): name::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let by = allowed.key.actor.clone();
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let expected = body::read(&incoming.body, active)?;
    exchange(&app, Exchange { view: name, build: None, expected: Some(expected.0), by }).await
}

async fn exchange(app: &App, exchange: Exchange) -> Result<Response, Problem> {
    let name = exchange.view.clone();
    match app.steering.exchange(&app.views, exchange).await? {
        Exchanged::Served => answer(app, &name, StatusCode::OK).await,
        Exchanged::GoesOn => answer(app, &name, StatusCode::ACCEPTED).await,
        Exchanged::Refused(error) => Err(refusal::problem(error)),
    }
}

async fn answer(app: &App, name: &str, status: StatusCode) -> Result<Response, Problem> {
    let mut response = json_of(&view(app, name).await?)?;
    *response.status_mut() = status;
    Ok(response)
}
