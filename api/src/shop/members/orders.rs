//! `/account/orders/{id}/`: one of a member's orders with what happened to it, and its mails once more.
//!
//! Somebody else's order is none here.

use super::super::live::panel::{self as live_panel, Panel as LivePanel};
use super::super::{Fault, Page, Posted, Visit, order_page};
use super::shown::tell;
use super::signed_in;
use crate::app::App;
use crate::problem::{Problem, within};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use commands::Snapshot;
use commands::members::Member;
use consumers::order_mail::again::{self, Which};
use domain::ids::OrderId;
use domain::order::{Order, OrderEvent, Placed};
use domain::{AggregateType, Event};
use std::sync::Arc;
use std::time::Instant;

/// Something that happened.
struct Happened {
    /// RFC 3339.
    at: String,
    shown_at: String,
    words: String,
}

#[derive(Template)]
#[template(path = "account_order.html")]
struct Shown {
    page: Page,
    number: String,
    paid: bool,
    /// Where it can be paid.
    pay: Option<String>,
    history: Vec<Happened>,
    /// Name, quantity and cost of each line.
    lines: Vec<(String, u32, String)>,
    total: String,
    /// Where its mails are asked for once more.
    mail_path: String,
    /// What was written about it, and where more comes from.
    live: LivePanel,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let member = match signed_in::required(&app, &visit).await? {
        Ok(member) => member,
        Err(response) => return Ok(response),
    };
    let started = Instant::now();
    let (id, order) = own(&app, &member, &id).await?;
    let placed = order.state.placed().ok_or(Fault::NotFound)?;
    let page = visit.page(&app).await?;
    let history = history(&app, &page, id).await?;
    let live = live_panel::of(&app, &page, id).await?;
    let pay = if order.state.is_paid() { None } else { Some(order_page::address(order_page::key(&app).await?, id)) };
    let shown = Shown {
        number: placed.number.to_string(),
        paid: order.state.is_paid(),
        pay,
        history,
        lines: lines(placed, &page).ok_or(Fault::Internal)?,
        total: page.money(&placed.total),
        mail_path: format!("/account/orders/{id}/mail/"),
        live,
        page,
    };
    visit.show_alone(&shown, started.elapsed())
}

/// An order of this member.
async fn own(app: &App, member: &Member, id: &str) -> Result<(OrderId, Arc<Snapshot<Order>>), Fault> {
    let id: OrderId = id.parse().map_err(|_| Fault::NotFound)?;
    Ok((id, order_page::own(app, member.id, id).await?))
}

async fn history(app: &App, page: &Page, id: OrderId) -> Result<Vec<Happened>, Fault> {
    let events = within(app.log.read_stream(AggregateType::Order, &id.to_string(), 1)).await?;
    let mut history = Vec::new();
    for stored in events {
        let recorded = stored.recorded().map_err(|error| {
            tracing::error!(%error, "an order's history can't be shown");
            Fault::Internal
        })?;
        let Event::Order(event) = &recorded.event else { continue };
        let words = match event {
            // At the checkout its lines come first: they are what was ordered.
            OrderEvent::ItemAdded(_) if history.is_empty() => continue,
            OrderEvent::ItemAdded(added) => page.t1("members-item-added", "name", added.line.name.as_str().to_owned()),
            OrderEvent::OrderPlaced(_) => page.t("members-placed"),
            OrderEvent::PaymentRecorded(payment) => page.t1("members-payment", "amount", page.money(&payment.amount)),
            OrderEvent::OrderPaid(_) => page.t("members-paid"),
            OrderEvent::PaymentFlagged(_) => page.t("members-flagged"),
            OrderEvent::EmailCorrected(_) => page.t("members-email-corrected"),
        };
        history.push(Happened {
            at: recorded.metadata.occurred_at.to_rfc3339(),
            shown_at: recorded.metadata.occurred_at.format("%Y-%m-%d %H:%M UTC").to_string(),
            words,
        });
    }
    Ok(history)
}

fn lines(placed: &Placed, page: &Page) -> Option<Vec<(String, u32, String)>> {
    let line =
        |line: &domain::order::Line| Some((line.name.to_string(), line.quantity.get(), page.money(&line.cost().ok()?)));
    placed.lines.iter().map(line).collect()
}

pub(super) async fn mail_again(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let member = match signed_in::required(&app, &visit).await? {
        Ok(member) => member,
        Err(response) => return Ok(response),
    };
    let (id, order) = own(&app, &member, &id).await?;
    let which = posted.get("which").and_then(Which::parse).ok_or(Fault::Invalid)?;
    if which == Which::Receipt && !order.state.is_paid() {
        return Err(Fault::NotFound);
    }
    let is_asked = again::ask(&app.members.schedule, id, which).await.map_err(Problem::from)?;
    let about = if is_asked { "members-mail-again" } else { "members-mail-just-now" };
    tell(&app, &visit, about, &[(super::ACCOUNT, "members-to-account")]).await
}
