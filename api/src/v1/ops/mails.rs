//! `GET /v1/ops/mails?order=…` and `POST /v1/ops/mails/search`: whether a customer got a mail, and why (not).

use super::super::reads::{json_of, unreadable};
use super::super::time;
use super::parked::AttemptResource;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::body::{self, Accepts, Fields};
use crate::http::query::Query;
use crate::openapi::Instant;
use crate::problem::{Code, Problem, ValueError, within};
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use commands::{Log, Schedule};
use consumers::groups::GroupError;
use consumers::mails::{self, Event, Mail, Teller};
use domain::ids::OrderId;
use domain::text::Email;
use projections::order_list::{self, OrderList, Search, Whose};
use projections::{Projection, ReadError, Views};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// How many orders of one address are looked at, the newest.
const ORDERS_OF_ADDRESS: u32 = 50;
/// What an address does not find, in words.
pub(crate) const LEFT_OUT: &str = "an order whose address was corrected is found by its present address and by its id; by a former \
                                   one only where it was reminded, or had a mail once more, at that";

/// The event that calls for a mail.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MailEvent")]
struct EventResource<'a> {
    id: &'a str,
    position: u64,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    recorded_at: DateTime<Utc>,
    /// The partition of its record; `null` where it is not known.
    partition: Option<i32>,
    /// The offset of its record there.
    offset: Option<i64>,
}

impl<'a> From<&'a Event> for EventResource<'a> {
    fn from(event: &'a Event) -> Self {
        let (partition, offset) = event.record.unzip();
        Self { id: &event.id, position: event.position, recorded_at: event.recorded_at, partition, offset }
    }
}

/// A mail that was called for.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Mail")]
pub(crate) struct MailResource<'a> {
    /// By what it is sent: the name of a consumer, or of a task of the schedule.
    sender: &'a str,
    /// What calls for it: the type of an event, or the key of a job.
    cause: &'a str,
    /// The order that it is about.
    order: Option<String>,
    /// A state of the ledger or of a job; `not_noted` where the consumer was not handed the event yet, `passed_over`
    /// where that came before its time or it went past it, `not_called_for` where the rules know of no such mail, or
    /// not yet.
    state: &'static str,
    /// What it waits for, who decided against it, what the server answered last.
    why: Option<&'a str>,
    attempts: u32,
    /// By which it is retried or discarded.
    item: Option<i64>,
    /// Whether it goes to the address that was asked for.
    is_to_address: Option<bool>,
    event: Option<EventResource<'a>>,
    failed_attempts: Vec<AttemptResource<'a>>,
    message_id: Option<&'a str>,
    #[schemars(with = "Option<Instant>")]
    noted_at: Option<String>,
    #[schemars(with = "Option<Instant>")]
    since: Option<String>,
    #[schemars(with = "Option<Instant>")]
    next_at: Option<String>,
}

impl<'a> MailResource<'a> {
    pub(crate) fn of((order, mail): &'a (Option<OrderId>, Mail)) -> Self {
        Self {
            sender: &mail.sender,
            cause: &mail.cause,
            order: order.map(|order| order.to_string()),
            state: mail.state,
            why: mail.why.as_deref(),
            attempts: mail.attempts,
            item: mail.item,
            is_to_address: mail.is_to_address,
            event: mail.event.as_ref().map(EventResource::from),
            failed_attempts: mail.failed_attempts.iter().map(AttemptResource::from).collect(),
            message_id: mail.message_id.as_deref(),
            noted_at: mail.noted_at.map(time::text),
            since: mail.since.map(time::text),
            next_at: mail.next_at.map(time::text),
        }
    }
}

/// Mails.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Mails")]
pub(crate) struct MailsResource<'a> {
    data: Vec<MailResource<'a>>,
    /// Whether these are all that can be found; else there are older orders of the address than those that were looked
    /// at, or older mails.
    is_complete: bool,
    /// What can't be found so, in words; `null` where nothing is left out.
    leaves_out: Option<&'static str>,
}

impl<'a> MailsResource<'a> {
    fn of(told: &'a [Told], is_complete: bool, leaves_out: Option<&'static str>) -> Self {
        Self { data: told.iter().map(MailResource::of).collect(), is_complete, leaves_out }
    }
}

/// A mail, and the order that it is about.
pub(crate) type Told = (Option<OrderId>, Mail);

/// The mails to an address.
pub(crate) struct ToAddress {
    /// Those that were found.
    pub(crate) mails: Vec<Told>,
    /// Whether these are all: there are no more orders than were looked at, and no more mails of the schedule than are
    /// told.
    pub(crate) is_complete: bool,
}

/// Why mails can't be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailsError {
    /// Nothing happened under that id.
    #[error("there is no order {0}: nothing happened under this id")]
    NoOrder(OrderId),
    /// The ledger or the log can't be read.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The orders of the address can't be read.
    #[error(transparent)]
    View(#[from] ReadError),
    /// The mails of the schedule can't be read.
    #[error("the mails of the schedule can't be read: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<MailsError> for Problem {
    fn from(error: MailsError) -> Self {
        match error {
            MailsError::NoOrder(_) => Self::new(Code::OrderNotFound, "Nothing happened under this id."),
            MailsError::Group(error) => error.into(),
            MailsError::View(error) => unreadable(OrderList::NAME, error),
            MailsError::Database(error) => error.into(),
        }
    }
}

/// All mails about an order.
pub(crate) async fn told_of_order(log: &Log, schedule: &Schedule, order: OrderId) -> Result<Vec<Told>, MailsError> {
    let mails = Teller::open(log, schedule).await?.of_order(order, None).await?.ok_or(MailsError::NoOrder(order))?;
    Ok(mails.into_iter().map(|mail| (Some(order), mail)).collect())
}

/// All mails to an address, as far as they can be found by it: those of its newest orders, the newest first, those of
/// the schedule, and the newsletter. Of an order whose address was corrected those to the former one are told too. By a
/// former address it is found where the schedule wrote there: else see [`LEFT_OUT`].
pub(crate) async fn told_to(
    log: &Log,
    views: &Views,
    schedule: &Schedule,
    address: &Email,
) -> Result<ToAddress, MailsError> {
    let search = Search::Email(address.clone());
    let orders = order_list::search(views, Whose::All, &search, None, ORDERS_OF_ADDRESS).await?.value;
    let (of_schedule, issues) =
        (mails::to_address(log.pool(), address).await?, mails::issues_to(log.pool(), address).await?);
    let mut ids: Vec<OrderId> = orders.rows.iter().map(|row| row.id).collect();
    let mut looked_at: HashSet<OrderId> = ids.iter().copied().collect();
    ids.extend(of_schedule.iter().filter_map(mails::order_of).filter(|order| looked_at.insert(*order)));
    let mut told: Vec<Told> = Vec::new();
    if !ids.is_empty() {
        for (order, mails) in Teller::open(log, schedule).await?.of_orders(&ids, Some(address)).await? {
            told.extend(mails.into_iter().map(|mail| (Some(order), mail)));
        }
    }
    let known: HashSet<String> = told.iter().filter_map(|(_, mail)| mail.message_id.clone()).collect();
    let is_complete = orders.next.is_none() && !mails::may_be_more(&of_schedule) && !mails::may_be_more(&issues);
    // Those about its orders were told with them.
    let is_new = |mail: &Mail| mail.message_id.as_ref().is_none_or(|id| !known.contains(id));
    told.extend(of_schedule.into_iter().filter(is_new).chain(issues).map(|mail| (None, mail)));
    Ok(ToAddress { mails: told, is_complete })
}

pub(in crate::v1) async fn of_order(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    query.required("order");
    let order = query.parsed("order", |text| text.parse::<OrderId>().map_err(|_| NotAnOrder));
    query.finish()?;
    let Some(order) = order else { return Err(Problem::internal()) };
    let told = within(told_of_order(&app.log, app.members.schedule(), order)).await?;
    json_of(&MailsResource::of(&told, true, None))
}

pub(in crate::v1) async fn search(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    let (head, body) = request.into_parts();
    let body = body::receive(&head, body, Accepts::JSON).await?;
    let address = body::read(&body, asked)?;
    let told = within(told_to(&app.log, &app.views, app.members.schedule(), &address)).await?;
    json_of(&MailsResource::of(&told.mails, told.is_complete, Some(LEFT_OUT)))
}

/// Reads whose mails are asked for.
pub(super) fn asked(body: &mut Fields<'_, '_>) -> Option<Email> {
    body.text("email", Email::parse)
}

/// It is no id of an order.
struct NotAnOrder;

impl fmt::Display for NotAnOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be an order's id, which is a UUID; POST /v1/orders/search finds it by the number")
    }
}

impl ValueError for NotAnOrder {
    fn code(&self) -> &'static str {
        "invalid_id"
    }
}
