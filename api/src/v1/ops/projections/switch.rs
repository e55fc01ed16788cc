//! `POST /v1/ops/projections/{name}/rebuild`, `…/promote` and `…/rollback`.
//!
//! A rebuild is made by the instance that leads the view. A build that is to serve is brought up to date by the process that is
//! asked: where that takes longer than a request may, it goes on after the answer, which is 202 then.

use super::super::super::incoming::Incoming;
use super::{name, refusal, view, written};
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::body::{self, Accepts, Fields, Shaped};
use crate::http::{App, RequestId};
use crate::problem::{Problem, ValueError};
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use projections::{Rebuilt, RunError};
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a request waits for a build to serve.
const SERVES_WITHIN: Duration = Duration::from_secs(5);

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
    let (views, view) = (app.views.clone(), name.clone());
    let work = async move {
        let ask = projections::Asked { expected: Some(&expected.0), by: &by };
        projections::promote(&views, &view, &build.0, ask, &CancellationToken::new(), &mut |_| ()).await
    };
    exchange(&app, &name, work).await
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
    let (views, view) = (app.views.clone(), name.clone());
    let work = async move {
        let ask = projections::Asked { expected: Some(&expected.0), by: &by };
        projections::rollback(&views, &view, ask, &CancellationToken::new(), &mut |_| ()).await
    };
    exchange(&app, &name, work).await
}

/// Waits for an exchange as long as a request may take. It is a task of its own, so that a client that hangs up cuts nothing in the
/// middle.
async fn exchange(
    app: &App,
    name: &str,
    work: impl Future<Output = Result<Rebuilt, RunError>> + Send + 'static,
) -> Result<Response, Problem> {
    let view = name.to_owned();
    let mut task = tokio::spawn(async move {
        let outcome = work.await;
        if let Err(error) = &outcome {
            tracing::warn!(view, %error, "a build was not promoted");
        }
        outcome
    });
    match tokio::time::timeout(SERVES_WITHIN, &mut task).await {
        Err(_elapsed) => answer(app, name, StatusCode::ACCEPTED).await,
        Ok(Ok(outcome)) => {
            outcome.map_err(refusal::problem)?;
            answer(app, name, StatusCode::OK).await
        }
        Ok(Err(_panicked)) => Err(Problem::internal()),
    }
}

async fn answer(app: &App, name: &str, status: StatusCode) -> Result<Response, Problem> {
    let mut response = written(&view(app, name).await?)?;
    *response.status_mut() = status;
    Ok(response)
}
