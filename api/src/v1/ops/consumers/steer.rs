//! `POST /v1/ops/consumers/{name}/pause`, `…/resume` and `…/rewind`: what a group is instructed to do. Running members
//! see it within a second.
//!
//! Before a rewind comes its preview, `GET …/rewind?to_position=0`: its token confirms it. `DELETE …/rewind` withdraws
//! it as far as it was not carried out.

use super::super::super::incoming::Incoming;
use super::super::super::reads::json_of;
use super::super::words::Words;
use super::show::as_instructed;
use super::{Name, PreviewResource};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields, Shaped};
use crate::http::query::Query;
use crate::problem::{Code, Problem, ValueError};
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use consumers::groups::{self, Preview, Rewound, To};
use domain::Position;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

/// The longest token: it names each partition.
const MAX_TOKEN_CHARS: usize = 60_000;

pub(in crate::v1) async fn pause(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    Name(name): Name,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let who = allowed.key.actor.clone();
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let Words(reason) = body::read(&incoming.body, reason)?;
    // One that is paused already is what was asked for.
    let _ = groups::pause(app.log.pool(), &name, &reason, &who).await?;
    as_instructed(&app, &name).await
}

/// Reads why a group is paused.
pub(super) fn reason(body: &mut Fields<'_, '_>) -> Option<Words> {
    body.text("reason", Words::parse)
}

pub(in crate::v1) async fn resume(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    Name(name): Name,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let who = allowed.key.actor.clone();
    Incoming::receive_nothing(allowed, request_id, request).await?;
    let _ = groups::resume(app.log.pool(), &name, &who).await?;
    as_instructed(&app, &name).await
}

pub(in crate::v1) async fn preview(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    Name(name): Name,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let position = query.number("to_position", 0, i64::MAX.unsigned_abs());
    let time = query.time("to_time");
    let to = match (position, time) {
        (Some(position), None) => Some(To::Position(Position(position))),
        (None, Some(time)) => Some(To::Time(time)),
        _ => {
            query.fault("to_position", "one_of", "give either to_position or to_time");
            None
        }
    };
    query.finish()?;
    let Some(to) = to else { return Err(Problem::internal()) };
    let preview = app.steering.preview(&app.log, &name, to).await?;
    json_of(&PreviewResource::from(&preview))
}

pub(in crate::v1) async fn rewind(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    Name(name): Name,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let who = allowed.key.actor.clone();
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let Token(confirmed) = body::read(&incoming.body, token)?;
    if confirmed.consumer != name {
        return Err(Problem::new(Code::CountChanged, "The token is of a preview of another consumer."));
    }
    match app.steering.rewind(&app.log, &confirmed, &who).await? {
        Rewound::Instructed => as_instructed(&app, &name).await,
        Rewound::Changed(now) => {
            let detail = "Other numbers come out by now: ask for a preview, and send its token.";
            Err(Problem::new(Code::CountChanged, detail).with("events", now.events).with("acts", now.acts))
        }
    }
}

pub(in crate::v1) async fn withdraw(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    Name(name): Name,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    // Where nothing is instructed, it is as it was asked for.
    groups::withdraw_rewind(app.log.pool(), &name, &allowed.key.actor).await?;
    as_instructed(&app, &name).await
}

/// A preview that somebody confirms.
pub(super) struct Token(Preview);

/// Reads a confirmation.
pub(super) fn token(body: &mut Fields<'_, '_>) -> Option<Token> {
    body.text("token", |text| Preview::of_token(text).map(Token).ok_or(NoToken))
}

/// It is none.
pub(super) struct NoToken;

impl fmt::Display for NoToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be the token of a preview")
    }
}

impl ValueError for NoToken {
    fn code(&self) -> &'static str {
        "invalid_token"
    }
}

impl Shaped for Token {
    fn shape() -> Value {
        json!({ "type": "string", "minLength": 1, "maxLength": MAX_TOKEN_CHARS })
    }
}
