//! `POST /orders/create/`: places the order, by the same command as `POST /v1/orders`, and leads to the page that
//! thanks.

use super::super::basket::Basket;
use super::super::cart::show::of_session;
use super::super::members::signed_in;
use super::super::{Fault, Posted, Visit, cart, order_page};
use super::create::{Notice, show, show_again};
use super::form::Form;
use super::key;
use crate::app::App;
use crate::http::{Place as Room, RequestId, context};
use crate::problem::{rejection, within};
use axum::extract::{Extension, State};
use axum::response::Response;
use commands::{Admission, Answer, AnswerFn, CommandError, Context, IdempotencyKey, Snapshot, Submission};
use domain::Money;
use domain::ids::OrderId;
use domain::order::{Command, Customer, Order, Place, Rejection, RequestedItem};
use http::{HeaderMap, StatusCode};
use std::sync::Arc;
use uuid::Uuid;

/// Who acts when a visitor orders: the shop itself.
const ACTOR: &str = "shop";

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    request_id: RequestId,
    headers: HeaderMap,
    room: Option<Extension<Room>>,
    posted: Posted,
) -> Result<Response, Fault> {
    key::settle(&app, &visit).await?;
    let Some(session) = visit.session.get().await? else { return visit.see_other(cart::PATH) };
    if !visit.session.is_current(posted.get("csrf")) {
        return show_again(&app, &visit, Form::of(&posted), &app.gateway.prices(), Notice::Stale).await;
    }
    // The visitor first: who is slowed down alone does not use up what others of the address have.
    app.checkouts.wait_for(session.id).map_err(Fault::too_many)?;
    app.checkouts_by_address.wait_for(visit.source).map_err(Fault::too_many)?;
    let content_id: Uuid = posted.get("key").and_then(|key| key.parse().ok()).ok_or(Fault::Invalid)?;
    let shown_total = total(&posted).ok_or(Fault::Invalid)?;
    let mut form = Form::of(&posted);
    let content = of_session(&app, &session).await?.filter(|cart| cart.content_id == content_id);
    let Some(content) = content.filter(|cart| !cart.lines.is_empty()) else {
        // Ordered already, which emptied the cart; or changed in another tab.
        return match key::placed_before(&app, &session, content_id).await? {
            Some(order) => order_page::lead_to(&app, &visit, order).await,
            None => show_again(&app, &visit, form, &app.gateway.prices(), Notice::CartChanged).await,
        };
    };
    let basket = Basket::of(&content, &app.gateway.prices());
    let Some(mut customer) = form.customer(basket.requires_shipping) else {
        return show(&app, &visit, &basket, content_id, &form, Some(Notice::Fields)).await;
    };
    // A member's orders are found by their subject; a guest's has one of its own.
    if let Some(member) = signed_in::member(&app, &visit).await? {
        customer.subject_id = member.id;
    }
    let items = basket.lines.into_iter().map(|line| RequestedItem { sku: line.sku, quantity: line.quantity }).collect();
    let context =
        Context { locale: Some(visit.lang.tag().to_owned()), ..context::by(ACTOR.to_owned(), &request_id, &headers) };
    let admission = room.map(|Extension(room)| Arc::new(room) as Admission);
    let key = key::of(&session, content_id, &content.lines);
    let checkout = Checkout { customer, items, shown_total, context, admission, key };
    match checkout.submit(&app).await? {
        Ok(order) => {
            key::empty_cart(&app, &visit, &session).await;
            order_page::lead_to(&app, &visit, order).await
        }
        Err(error) => refused(&app, &visit, form, error).await,
    }
}

/// An order as it is about to be placed.
struct Checkout {
    customer: Customer,
    items: Vec<RequestedItem>,
    shown_total: Money,
    context: Context,
    admission: Option<Admission>,
    key: IdempotencyKey,
}

impl Checkout {
    async fn submit(self, app: &App) -> Result<Result<OrderId, CommandError<Order>>, Fault> {
        let Self { customer, items, shown_total, context, admission, key } = self;
        let number = within(app.gateway.next_order_number()).await?;
        let expected_total = Some(shown_total);
        let place = Place { number, customer: Arc::new(customer), items, expected_total };
        let submission = Submission {
            id: OrderId(Uuid::now_v7()).to_string(),
            command: Command::Place(place),
            fresh_id: true,
            expected_version: None,
            context,
            key: Some(key),
            answer: answer(),
            admission,
        };
        Ok(match app.gateway.submit(submission).await {
            // Of a form that was sent before, it is the id that the order got then.
            Ok(done) => Ok(done.answer.body.parse().map_err(|_| Fault::Internal)?),
            Err(error) => Err(error),
        })
    }
}

/// What is kept under the key: the order's id.
fn answer() -> AnswerFn<Order> {
    Arc::new(|snapshot: &Snapshot<Order>| Answer {
        status: StatusCode::SEE_OTHER.as_u16(),
        location: None,
        etag: None,
        body: snapshot.id.clone(),
    })
}

/// What the customer was shown, and agrees to.
fn total(posted: &Posted) -> Option<Money> {
    Money::parse(posted.get("total")?, posted.get("currency")?).ok()
}

async fn refused(app: &App, visit: &Visit, form: Form, error: CommandError<Order>) -> Result<Response, Fault> {
    match error {
        CommandError::Rejected { rejection, .. } => {
            // A refusal was decided on the newest prices: they are what is shown now.
            let prices = within(app.gateway.prices_at_head()).await?;
            let notice = match rejection {
                Rejection::TotalChanged { .. } => Notice::TotalChanged,
                Rejection::AddressRequired => Notice::Fields,
                // The cart says what can't be ordered any more.
                Rejection::Items(_) | Rejection::NoItems | Rejection::Money(_) => return visit.see_other(cart::PATH),
                _ => return Err(Fault::Internal),
            };
            show_again(app, visit, form, &prices, notice).await
        }
        CommandError::OutcomeUnknown => {
            show_again(app, visit, form, &app.gateway.prices(), Notice::OutcomeUnknown).await
        }
        CommandError::KeyInFlight => Err(Fault::Unavailable(1)),
        error => Err(rejection::problem(&error, None).into()),
    }
}
