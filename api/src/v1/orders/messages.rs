//! `/v1/orders/{id}/messages`: what the customer wrote about an order, and what staff answer. There are never many, so
//! all are listed at once. Who watches the order's page is told at once.

use super::super::incoming::Incoming;
use super::super::{reads, time};
use super::id;
use crate::app::App;
use crate::auth::VerifiedKey;
use crate::auth::permission::{ReadMessages, WriteMessages};
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields};
use crate::http::query::Query;
use crate::openapi::{Instant, examples};
use crate::problem::{Code, Problem, rejection, within};
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use commands::Snapshot;
use commands::messages::{self, Author, MAX_PER_AUTHOR, Message, MessageError, NewMessage};
use domain::ids::OrderId;
use domain::order::Order;
use domain::text::MessageText;
use http::StatusCode;
use projections::order_list::Whose;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Message")]
pub(super) struct MessageResource<'m> {
    id: i64,
    /// `customer` or `staff`.
    from: &'static str,
    text: &'m str,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    sent_at: DateTime<Utc>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Messages")]
pub(super) struct List<'m> {
    data: Vec<MessageResource<'m>>,
}

impl<'m> From<&'m Message> for MessageResource<'m> {
    fn from(message: &'m Message) -> Self {
        Self { id: message.id, from: message.side.as_str(), text: &message.body, sent_at: message.sent_at }
    }
}

/// `GET /v1/orders/{id}/messages`: all of them, in order.
pub(in crate::v1) async fn list(
    State(app): State<Arc<App>>,
    id::Reached { order, .. }: id::Reached<ReadMessages>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    check_placed(&app, order).await?;
    let messages = within(messages::of_order(app.log.pool(), order, 0)).await?;
    reads::json_of(&List { data: messages.iter().map(MessageResource::from).collect() })
}

/// `POST /v1/orders/{id}/messages`: an answer to the customer, or with a member's key what the customer writes. With an
/// `Idempotency-Key` it is written once, however often it is sent.
pub(in crate::v1) async fn write(
    State(app): State<Arc<App>>,
    id::Reached { allowed, order }: id::Reached<WriteMessages>,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let author = author(&allowed.key);
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let key = incoming.idempotency_key()?.map(|key| key.digest);
    let text = body::read(&incoming.body, message)?;
    check_placed(&app, order).await?;
    if author == Author::Customer {
        // As on the page of the order.
        app.messages.take(order.0)?;
    }
    let message = NewMessage { order, author: &author, key, text: &text };
    let (message, _) = app.live.write(&message, app.settings().sessions.clock.now()).await.map_err(refused)?;
    let mut response = reads::json_of(&MessageResource::from(&message))?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// From which side the key's holder writes.
fn author(key: &VerifiedKey) -> Author {
    match key.whose {
        Whose::All => Author::Staff(key.actor.clone()),
        Whose::Of(_) => Author::Customer,
    }
}

/// Reads the body of `POST /v1/orders/{id}/messages`.
pub fn message(body: &mut Fields<'_, '_>) -> Option<MessageText> {
    body.text("text", MessageText::parse)
}

async fn check_placed(app: &App, order: OrderId) -> Result<(), Problem> {
    let snapshot: Arc<Snapshot<Order>> = within(app.gateway.load(&order.to_string())).await?;
    if snapshot.state.placed().is_some() { Ok(()) } else { Err(rejection::not_found::<Order>()) }
}

fn refused(error: MessageError) -> Problem {
    match error {
        MessageError::TooMany => Problem::new(
            Code::TooMany,
            format!("At most {MAX_PER_AUTHOR} messages are written from one side about an order."),
        ),
        MessageError::KeyReused => {
            Problem::new(Code::IdempotencyKeyReused, "Another text was sent with this Idempotency-Key.")
        }
        MessageError::Database(error) => error.into(),
    }
}

/// A message as it is answered, for the API's document.
pub(super) fn example() -> serde_json::Value {
    let (text, sent_at) = ("It is on its way.", examples::instant());
    let message = MessageResource { id: 1, from: "staff", text, sent_at };
    serde_json::to_value(message).unwrap_or_default()
}
