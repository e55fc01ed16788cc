//! `POST /admin/orders/act/`: does one thing to each of the orders that were chosen, and tells what came of each.

use super::list::PAGE_ORDERS;
use super::pay::{self, Outcome};
use super::{PATH, mails};
use crate::admin::texts::{text, text_with};
use crate::admin::{Notice, Refusal, StaffForm, StaffVisit, Tone};
use crate::auth::permission::{ReadOrders, RecordPayments, WriteMessages};
use crate::http::App;
use crate::problem::within;
use crate::shop::Fault;
use axum::extract::State;
use axum::response::Response;
use commands::Snapshot;
use consumers::order_mail::again::Which;
use domain::ids::OrderId;
use domain::order::Order;
use domain::text::PaymentReference;
use std::sync::Arc;
use uuid::Uuid;

/// What can be done to several.
#[derive(Debug, Clone)]
enum Act {
    /// What is owed was paid otherwise.
    Pay(PaymentReference),
    /// The mail that confirms it once more.
    Mail(Which),
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<ReadOrders>,
    posted: StaffForm,
) -> Result<Response, Refusal> {
    let act = match posted.get("act") {
        Some("pay") => {
            visit.require::<RecordPayments>()?;
            Act::Pay(reference(&posted)?)
        }
        Some(mail @ ("confirmation" | "receipt")) => {
            visit.require::<WriteMessages>()?;
            Act::Mail(Which::parse(mail).ok_or(Fault::Invalid)?)
        }
        _ => return Err(Fault::Invalid.into()),
    };
    let orders: Vec<OrderId> = posted.all("row").take(PAGE_ORDERS as usize).filter_map(|id| id.parse().ok()).collect();
    let notice = if orders.is_empty() {
        Notice::bad(text("staff-orders-none-chosen"))
    } else {
        let mut results = Vec::with_capacity(orders.len());
        for order in orders {
            results.push(on_one(&app, &visit, order, &act).await?);
        }
        told(results)
    };
    visit.tell(&app, notice).await?;
    Ok(visit.see_other(back(posted.get("back")))?)
}

/// Made of the form, so that what is sent twice is recorded once.
fn reference(posted: &StaffForm) -> Result<PaymentReference, Fault> {
    let form: Uuid = posted.get("form").and_then(|form| form.parse().ok()).ok_or(Fault::Invalid)?;
    PaymentReference::parse(&format!("otherwise:{form}")).map_err(|_| Fault::Internal)
}

async fn on_one(
    app: &App,
    visit: &StaffVisit<ReadOrders>,
    order: OrderId,
    act: &Act,
) -> Result<(String, Outcome), Fault> {
    let snapshot: Arc<Snapshot<Order>> = within(app.gateway.load(&order.to_string())).await?;
    let Some(placed) = snapshot.state.placed() else {
        return Ok((order.to_string(), (Tone::Bad, text("staff-orders-none"))));
    };
    let label = format!("#{}", placed.number);
    let outcome = match act {
        Act::Pay(reference) => pay::rest(app, visit, order, reference).await,
        Act::Mail(which) => mails::again(app, order, *which, snapshot.state.is_paid()).await?,
    };
    Ok((label, outcome))
}

fn told(results: Vec<(String, Outcome)>) -> Notice {
    let (all, done) = (results.len(), results.iter().filter(|(_, (tone, _))| *tone == Tone::Good).count());
    let words = text_with("staff-orders-done", &[("done", done.into()), ("all", all.into())]);
    let notice = if done == all { Notice::good(words) } else { Notice::warn(words) };
    results.into_iter().fold(notice, |notice, (label, (tone, text))| notice.row(label, tone, text))
}

/// The list as it was.
fn back(path: Option<&str>) -> &str {
    let is_list = |path: &&str| {
        let rest = path.strip_prefix(PATH);
        rest.is_some_and(|rest| {
            (rest.is_empty() || rest.starts_with('?')) && rest.bytes().all(|b| b.is_ascii_graphic())
        })
    };
    path.filter(is_list).unwrap_or(PATH)
}
