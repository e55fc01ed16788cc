//! `POST /admin/orders/act/`: does one thing to each of the orders that were chosen, and tells what came of each.

use super::{PATH, mails, pay};
use crate::admin::acting::{Acting, Outcome};
use crate::admin::bulk::{self, RowOutcome};
use crate::admin::list::back;
use crate::admin::texts::text;
use crate::admin::{Refusal, StaffForm};
use crate::app::App;
use crate::auth::permission::{ReadOrders, RecordPayments, WriteMessages};
use crate::problem::within;
use crate::shop::Fault;
use axum::extract::State;
use axum::response::Response;
use commands::Snapshot;
use consumers::order_mail::again::Which;
use domain::ids::OrderId;
use domain::order::Order;
use domain::text::PaymentReference;
use projections::Projection;
use projections::order_list::OrderList;
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
    acting: Acting<ReadOrders>,
    posted: StaffForm,
) -> Result<Response, Refusal> {
    let act = match posted.get("act") {
        Some("pay") => {
            acting.require::<RecordPayments>()?;
            Act::Pay(reference(&posted)?)
        }
        Some(mail @ ("confirmation" | "receipt")) => {
            acting.require::<WriteMessages>()?;
            Act::Mail(Which::parse(mail).ok_or(Fault::Invalid)?)
        }
        _ => return Err(Fault::Invalid.into()),
    };
    let acting = Arc::new(acting);
    match bulk::chosen(&posted, |id| id.parse().ok())? {
        Ok(orders) => {
            let work = move |app, acting, order| on_one(app, acting, order, act.clone());
            bulk::on_each(&app, &acting, Some(OrderList::NAME), orders, work).await?;
        }
        Err(notice) => acting.tell(&app, notice).await?,
    }
    Ok(acting.see_other(back(PATH, posted.get("back")))?)
}

/// Made of the form, so that what is sent twice is recorded once.
fn reference(posted: &StaffForm) -> Result<PaymentReference, Fault> {
    let form: Uuid = posted.get("form").and_then(|form| form.parse().ok()).ok_or(Fault::Invalid)?;
    PaymentReference::parse(&format!("otherwise:{form}")).map_err(|_| Fault::Internal)
}

async fn on_one(app: Arc<App>, acting: Arc<Acting<ReadOrders>>, order: OrderId, act: Act) -> RowOutcome {
    let snapshot: Arc<Snapshot<Order>> = within(app.gateway.load(&order.to_string())).await?;
    let Some(placed) = snapshot.state.placed() else {
        return Ok((order.to_string(), Outcome::bad(text("staff-orders-none"))));
    };
    let label = format!("#{}", placed.number);
    let outcome = match &act {
        Act::Pay(reference) => pay::rest(&app, &acting, order, reference).await,
        Act::Mail(which) => mails::again(&app, order, *which, snapshot.state.is_paid()).await?,
    };
    Ok((label, outcome))
}
