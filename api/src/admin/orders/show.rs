//! `GET /admin/orders/{id}/`: one order with all that happened to it.

use super::history::{self, Happened, Payment};
use super::mails::{self, Mail};
use super::path;
use crate::admin::form::Form;
use crate::admin::texts::text;
use crate::admin::{AdminPage, Section, StaffVisit};
use crate::app::App;
use crate::auth::permission::{CorrectOrders, ReadEvents, ReadOrders, RecordPayments, WriteMessages};
use crate::problem::within;
use crate::shop::Fault;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use commands::Snapshot;
use commands::messages::{self, Message, Side};
use commands::staff::notes::{self, Note};
use domain::AggregateType;
use domain::ids::OrderId;
use domain::order::{Order, Placed};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// A line of it.
struct Line {
    sku: String,
    name: String,
    quantity: u32,
    unit_price: String,
    cost: String,
}

/// What was written between the customer and the shop.
struct ShownMessage {
    from_customer: bool,
    text: String,
    sent_at: DateTime<Utc>,
}

/// What whoever looks may do to it.
struct May {
    pay: bool,
    write: bool,
    correct: bool,
    /// See events as they are stored.
    raw: bool,
}

#[derive(Template)]
#[template(path = "admin/order.html")]
pub(super) struct Shown {
    page: AdminPage,
    path: String,
    id: String,
    number: String,
    name: String,
    email: String,
    /// Line by line; empty where nothing is sent.
    address: Vec<String>,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    version: u64,
    paid: bool,
    needs_review: bool,
    lines: Vec<Line>,
    total: String,
    paid_amount: String,
    balance: String,
    payments: Vec<Payment>,
    mails: Vec<Mail>,
    notes: Vec<Note>,
    messages: Vec<ShownMessage>,
    happened: Vec<Happened>,
    may: May,
    correction: Form,
    /// What makes what is sent from this page one thing, however often it is sent.
    form: Uuid,
    /// What the customer sees of it.
    customers_page: String,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<ReadOrders>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let started = Instant::now();
    let (order, snapshot) = load(&app, &id).await?;
    let placed = snapshot.state.placed().ok_or(Fault::NotFound)?;
    let shown = of(&app, &visit, order, &snapshot, correction(placed)).await?;
    visit.show(&shown, started.elapsed()).await
}

/// The order of an id, as the log has it.
pub(super) async fn load(app: &App, id: &str) -> Result<(OrderId, Arc<Snapshot<Order>>), Fault> {
    let order: OrderId = id.parse().map_err(|_| Fault::NotFound)?;
    let snapshot: Arc<Snapshot<Order>> = within(app.gateway.load(&order.to_string())).await?;
    if snapshot.state.placed().is_some() { Ok((order, snapshot)) } else { Err(Fault::NotFound) }
}

/// The form that corrects the address of its mails.
pub(super) fn correction(placed: &Placed) -> Form {
    let email = placed.customer.email.as_str();
    Form::new().email("email", text("staff-order-email")).value_of(email).hint(text("staff-order-email-hint"))
}

/// The whole page.
pub(super) async fn of<P>(
    app: &App,
    visit: &StaffVisit<P>,
    order: OrderId,
    snapshot: &Snapshot<Order>,
    correction: Form,
) -> Result<Shown, Fault> {
    let placed = snapshot.state.placed().ok_or(Fault::NotFound)?;
    let pool = app.log.pool();
    let events = within(app.log.read_stream(AggregateType::Order, &order.to_string(), 1)).await?;
    let mails = mails::of(app, order, &events).await?;
    let notes = within(notes::of_order(pool, order)).await?;
    let messages = within(messages::of_order(pool, order, 0)).await?;
    let page = visit.page(Section::Orders);
    let history = history::of(app, &page, &events).await?;
    let key = app.link_key().await.map_err(crate::problem::Problem::from)?.sign(order);
    let customer = &placed.customer;
    Ok(Shown {
        path: path(order),
        id: order.to_string(),
        number: placed.number.to_string(),
        name: format!("{} {}", customer.first_name, customer.last_name),
        email: customer.email.to_string(),
        address: address(placed),
        created: snapshot.created_at,
        updated: snapshot.updated_at,
        version: snapshot.version,
        paid: snapshot.state.is_paid(),
        needs_review: snapshot.state.needs_review(),
        lines: lines(placed, &page).ok_or(Fault::Internal)?,
        total: page.money(&placed.total),
        paid_amount: page.money(&placed.paid_amount),
        balance: placed.balance().map(|balance| page.money(&balance)).unwrap_or_default(),
        payments: history.payments,
        mails,
        notes,
        messages: messages.into_iter().map(shown).collect(),
        happened: history.happened,
        may: May {
            pay: visit.may::<RecordPayments>() && !snapshot.state.is_paid(),
            write: visit.may::<WriteMessages>(),
            correct: visit.may::<CorrectOrders>(),
            raw: visit.may::<ReadEvents>(),
        },
        correction,
        form: Uuid::now_v7(),
        customers_page: format!("/orders/{order}/thanks/?key={key}"),
        page,
    })
}

fn address(placed: &Placed) -> Vec<String> {
    let Some(place) = &placed.customer.shipping_address else { return Vec::new() };
    let mut lines = vec![place.address.to_string(), format!("{} {}", place.postal_code, place.city)];
    lines.extend(place.country.as_ref().map(ToString::to_string));
    lines
}

fn lines(placed: &Placed, page: &AdminPage) -> Option<Vec<Line>> {
    let line = |line: &domain::order::Line| {
        Some(Line {
            sku: line.sku.to_string(),
            name: line.name.to_string(),
            quantity: line.quantity.get(),
            unit_price: page.money(&line.unit_price),
            cost: page.money(&line.cost().ok()?),
        })
    };
    placed.lines.iter().map(line).collect()
}

fn shown(message: Message) -> ShownMessage {
    ShownMessage { from_customer: message.side == Side::Customer, text: message.body, sent_at: message.sent_at }
}
