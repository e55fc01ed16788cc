//! What a customer writes about an order: by socket, and by a form where there is no script.

use super::super::{Fault, Posted, Visit, order_page};
use crate::app::App;
use crate::problem::{Problem, ValueError};
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use commands::messages::{Author, Message, MessageError, NewMessage};
use domain::ids::OrderId;
use domain::text::{MessageText, TextError};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long to wait where there is no room for more: until staff looked at what there is.
const ENOUGH_S: u32 = 3_600;

/// Why a message is not kept.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// It is no message.
    Text(TextError),
    /// There were too many in a short time; how long to wait.
    TooFast(Duration),
    /// There are as many as there may be.
    TooMany,
    /// The database is away.
    Unavailable(sqlx::Error),
}

impl Unwritten {
    /// What programs tell it by.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Text(error) => error.code(),
            Self::TooFast(_) => "too_fast",
            Self::TooMany => "too_many",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// Keeps a customer's message: once for the same text under the same key.
pub(super) async fn keep(app: &App, order: OrderId, key: Uuid, text: &str) -> Result<Message, Unwritten> {
    // Forms end lines as mails do.
    let text = MessageText::parse(&text.replace("\r\n", "\n")).map_err(Unwritten::Text)?;
    app.messages.wait_for(order.0).map_err(Unwritten::TooFast)?;
    let key = Sha256::new().chain_update(key.as_bytes()).chain_update(text.as_str()).finalize();
    let message = NewMessage { order, author: &Author::Customer, key: Some(key.into()), text: &text };
    match app.live.write(&message, app.settings().sessions.clock.now()).await {
        Ok((message, _)) => Ok(message),
        // Of another text it would be another key.
        Err(MessageError::TooMany | MessageError::KeyReused) => Err(Unwritten::TooMany),
        Err(MessageError::Database(error)) => Err(Unwritten::Unavailable(error)),
    }
}

/// `POST /orders/{id}/messages/?key=…`
pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    posted: Posted,
) -> Result<Response, Fault> {
    let order = order_page::order(&app, &visit, &id, query.as_deref()).await?;
    visit.session.check(posted.get("csrf"))?;
    let form = posted.get("form").and_then(|form| form.parse().ok()).ok_or(Fault::Invalid)?;
    let text = posted.get("text").ok_or(Fault::Invalid)?;
    match keep(&app, order, form, text).await {
        Ok(_) => order_page::lead_on(&app, &visit, order, "#messages").await,
        // The page's own form sends neither an empty text nor one that is too long.
        Err(Unwritten::Text(_)) => Err(Fault::Invalid),
        Err(Unwritten::TooFast(wait)) => Err(Fault::too_many(wait)),
        Err(Unwritten::TooMany) => Err(Fault::TooMany(ENOUGH_S)),
        Err(Unwritten::Unavailable(error)) => Err(Problem::from(error).into()),
    }
}
