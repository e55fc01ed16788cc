//! `GET /cart/`: the lines at today's prices, the total, and what the visitor looked at most.

use super::super::basket::{Basket, BasketLine, Unavailable};
use super::super::catalogue::{Card, words};
use super::super::reads::Reads;
use super::super::{Fault, Page, Visit, checkout, order_page};
use crate::app::App;
use crate::pictures::Size;
use crate::problem::Problem;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use commands::shop::carts::{self, Cart, CartRef};
use commands::shop::sessions::Session;
use commands::shop::viewed;
use domain::product::Status;
use domain::{Quantity, Sku};
use projections::Projection;
use projections::products::{self, ProductRow, Products};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Of what the visitor looked at most, so many are asked for: some may be in the cart, or not on sale any more.
const VIEWED: u32 = 12;
/// And so many shown.
const VIEWED_SHOWN: usize = 4;

/// A line as it is shown; the checkout shows it too.
pub(in crate::shop) struct Line {
    pub(in crate::shop) sku: String,
    pub(in crate::shop) name: String,
    pub(in crate::shop) picture: Option<String>,
    pub(in crate::shop) quantity: u32,
    /// What one costs, and what the line does; `None` where it can't be ordered.
    pub(in crate::shop) price: Option<(String, String)>,
    /// Why it can't be ordered, in words.
    pub(in crate::shop) unavailable: Option<String>,
}

#[derive(Template)]
#[template(path = "cart.html")]
struct Shown {
    page: Page,
    /// Why what was asked for was not done.
    notice: Option<String>,
    lines: Vec<Line>,
    total: Option<String>,
    can_be_ordered: bool,
    requires_shipping: bool,
    max_quantity: u32,
    viewed: Vec<Card>,
}

pub(super) async fn handle(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    // The order that a process left in it, and did not lead to.
    if let Some(order) = checkout::settle(&app, &visit).await? {
        return order_page::lead_to(&app, &visit, order).await;
    }
    show(&app, &visit, None).await
}

/// Shows the cart; `notice` is the text that says why a change was not made.
pub(super) async fn show(app: &App, visit: &Visit, notice: Option<&str>) -> Result<Response, Fault> {
    let mut reads = Reads::default();
    let page = visit.page(app).await?;
    let session = visit.session.get().await?;
    let (basket, viewed) = match &session {
        Some(session) => (priced(app, session).await?, most_viewed(app, session).await?),
        None => (Basket::default(), Vec::new()),
    };
    let skus = basket.lines.iter().map(|line| &line.sku).chain(&viewed);
    let mut rows = rows(app, &mut reads, skus.cloned().collect()).await;
    let lines = lines(&basket, &rows, &page);
    let viewed = viewed
        .iter()
        .filter(|sku| basket.lines.iter().all(|line| line.sku != **sku))
        .filter_map(|sku| rows.remove(sku.as_str()))
        .filter(|row| row.status == Status::Active)
        .take(VIEWED_SHOWN)
        .map(|row| Card::of(&row, &page))
        .collect();
    let shown = Shown {
        notice: notice.map(|id| page.t1(id, "most", Quantity::MAX)),
        lines,
        total: basket.total.map(|total| page.money(&total)),
        can_be_ordered: basket.can_be_ordered(),
        requires_shipping: basket.requires_shipping,
        max_quantity: Quantity::MAX,
        viewed,
        page,
    };
    visit.show_alone(&shown, reads.took)
}

/// What is in a visitor's cart; nothing where it is gone.
pub(in crate::shop) async fn of_session(app: &App, session: &Session) -> Result<Option<Cart>, Fault> {
    let cart = carts::read(app.log.pool(), CartRef::Visitor(session.cart_id)).await;
    Ok(cart.map_err(Problem::from)?)
}

async fn priced(app: &App, session: &Session) -> Result<Basket, Fault> {
    let cart = of_session(app, session).await?;
    Ok(cart.map(|cart| Basket::of(&cart, &app.gateway.prices())).unwrap_or_default())
}

async fn most_viewed(app: &App, session: &Session) -> Result<Vec<Sku>, Fault> {
    Ok(viewed::most(app.log.pool(), session.visitor_id, VIEWED).await.map_err(Problem::from)?)
}

/// What the shop shows of these products. Without it a cart has no pictures and no translations, but it is there.
pub(in crate::shop) async fn rows(app: &App, reads: &mut Reads, skus: Vec<Sku>) -> BTreeMap<String, ProductRow> {
    if skus.is_empty() {
        return BTreeMap::new();
    }
    let found = reads.run(Products::NAME, products::of_skus(&app.views, &skus)).await;
    found.unwrap_or_default().into_iter().map(|row| (row.sku.clone(), row)).collect()
}

/// The lines in the page's language.
pub(in crate::shop) fn lines(basket: &Basket, rows: &BTreeMap<String, ProductRow>, page: &Page) -> Vec<Line> {
    basket.lines.iter().map(|line| shown(line, rows.get(line.sku.as_str()), page)).collect()
}

fn shown(line: &BasketLine, row: Option<&ProductRow>, page: &Page) -> Line {
    let name = row.map(|row| words(row, page.lang).0.to_owned()).or_else(|| line.name.clone());
    let why = |unavailable: Unavailable| {
        page.t(match unavailable {
            Unavailable::Unknown | Unavailable::Withdrawn => "cart-line-withdrawn",
            Unavailable::OtherCurrency => "cart-line-other-currency",
            Unavailable::TooDear => "cart-line-too-dear",
        })
    };
    Line {
        sku: line.sku.to_string(),
        name: name.unwrap_or_else(|| line.sku.to_string()),
        picture: row.and_then(|row| row.picture.as_deref()).map(|picture| page.picture(picture, Size::Small)),
        quantity: line.quantity.get(),
        price: line.price.ok().map(|price| (page.money(&price.unit), page.money(&price.line))),
        unavailable: line.price.err().map(why),
    }
}
