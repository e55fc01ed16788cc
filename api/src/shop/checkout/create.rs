//! `GET /orders/create/`: the form, and what would be ordered beside it.

use super::super::basket::Basket;
use super::super::cart::show::{Line, lines, of_session, rows};
use super::super::members::signed_in;
use super::super::reads::Reads;
use super::super::{Fault, Page, Visit, cart, order_page};
use super::form::{Form, ShownField};
use super::key;
use crate::app::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Prices;
use http::StatusCode;
use std::sync::Arc;
use uuid::Uuid;

/// Why the form is shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// Some fields are wrong.
    Fields,
    /// The total is another than the one that was shown.
    TotalChanged,
    /// The cart is another than the one that was shown.
    CartChanged,
    /// The visitor is known as somebody else than when it was shown.
    Stale,
    /// Whether the order was placed could not be found out.
    OutcomeUnknown,
}

impl Notice {
    const fn text(self) -> &'static str {
        match self {
            Self::Fields => "checkout-fields",
            Self::TotalChanged => "checkout-total-changed",
            Self::CartChanged => "checkout-cart-changed",
            Self::Stale => "checkout-stale",
            Self::OutcomeUnknown => "checkout-outcome-unknown",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Fields => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TotalChanged | Self::CartChanged | Self::Stale => StatusCode::CONFLICT,
            Self::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

#[derive(Template)]
#[template(path = "checkout.html")]
struct Shown {
    page: Page,
    notice: Option<String>,
    /// Names the content of the cart that is ordered.
    key: Uuid,
    /// The total as programs write it, and its currency's code.
    total: (String, &'static str),
    total_shown: String,
    person: Vec<ShownField>,
    /// Empty where nothing has to be sent.
    place: Vec<ShownField>,
    lines: Vec<Line>,
}

pub(super) async fn handle(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    let ordered = key::settle(&app, &visit).await?;
    let Some(session) = visit.session.get().await? else { return visit.see_other(cart::PATH) };
    let Some(content) = of_session(&app, &session).await?.filter(|cart| !cart.lines.is_empty()) else {
        return match ordered {
            Some(order) => order_page::lead_to(&app, &visit, order).await,
            None => visit.see_other(cart::PATH),
        };
    };
    let basket = Basket::of(&content, &app.gateway.prices());
    let member = signed_in::member(&app, &visit).await?;
    let form = member.as_ref().map(Form::of_member).unwrap_or_default();
    show(&app, &visit, &basket, content.content_id, &form, None).await
}

/// Shows the form, again with a notice. A cart of which something can't be ordered is shown instead, as it says what.
pub(super) async fn show(
    app: &App,
    visit: &Visit,
    basket: &Basket,
    content_id: Uuid,
    form: &Form,
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let (Some(total), true) = (basket.total, basket.can_be_ordered()) else { return visit.see_other(cart::PATH) };
    let mut reads = Reads::default();
    let page = visit.page(app).await?;
    let rows = rows(app, &mut reads, basket.lines.iter().map(|line| line.sku.clone()).collect()).await;
    let shown = Shown {
        notice: notice.map(|notice| page.t(notice.text())),
        key: content_id,
        total: (total.amount().to_string(), total.currency().code()),
        total_shown: page.money(&total),
        person: form.person(&page),
        place: if basket.requires_shipping { form.place(&page) } else { Vec::new() },
        lines: lines(basket, &rows, &page),
        page,
    };
    let mut response = visit.show_alone(&shown, reads.took)?;
    if let Some(notice) = notice {
        *response.status_mut() = notice.status();
    }
    Ok(response)
}

/// The same at the prices of this moment, and with the cart as it is now.
pub(super) async fn show_again(
    app: &App,
    visit: &Visit,
    mut form: Form,
    prices: &Prices,
    notice: Notice,
) -> Result<Response, Fault> {
    let Some(session) = visit.session.get().await? else { return visit.see_other(cart::PATH) };
    let Some(content) = of_session(app, &session).await? else { return visit.see_other(cart::PATH) };
    let basket = Basket::of(&content, prices);
    // What is wrong is told at once with the rest.
    if !form.has_faults() && notice != Notice::OutcomeUnknown {
        let _ = form.customer(basket.requires_shipping);
    }
    show(app, visit, &basket, content.content_id, &form, Some(notice)).await
}
