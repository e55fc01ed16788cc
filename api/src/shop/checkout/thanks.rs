//! `GET /orders/{id}/thanks/?key=…`: thanks for an order. It is the order's page, for those whom [`order_page`] lets
//! in.

use super::super::live::panel::{self as live_panel, Panel as LivePanel};
use super::super::payment::panel::{self, Panel};
use super::super::{Fault, Page, Visit, order_page};
use crate::app::App;
use crate::problem::within;
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use commands::Snapshot;
use domain::order::{Order, Placed};
use std::sync::Arc;
use std::time::Instant;

#[derive(Template)]
#[template(path = "thanks.html")]
struct Shown {
    page: Page,
    number: String,
    email: String,
    name: String,
    /// Where it goes, line by line; empty where nothing is sent.
    address: Vec<String>,
    /// Name, quantity and cost of each line.
    lines: Vec<(String, u32, String)>,
    total: String,
    /// How it is paid; nothing where it is, or where the shop takes no payments here.
    payment: Option<Panel>,
    /// How far it is, what was written about it, and where more comes from.
    live: LivePanel,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let id = order_page::order(&app, &visit, &id, query.as_deref()).await?;
    let started = Instant::now();
    let snapshot: Arc<Snapshot<Order>> = within(app.gateway.load(&id.to_string())).await?;
    let took = started.elapsed();
    let placed = snapshot.state.placed().ok_or(Fault::NotFound)?;
    let page = visit.page(&app).await?;
    let payment = panel::of(&app, &page, id, &snapshot.state, query.as_deref()).await?;
    let live = live_panel::of(&app, &page, id).await?;
    let shown = Shown::of(placed, payment, live, page).ok_or(Fault::Internal)?;
    visit.show_alone(&shown, took)
}

impl Shown {
    fn of(placed: &Placed, payment: Option<Panel>, live: LivePanel, page: Page) -> Option<Self> {
        let customer = &placed.customer;
        let name = format!("{} {}", customer.first_name, customer.last_name);
        let address = customer.shipping_address.as_ref().map_or_else(Vec::new, |place| {
            vec![name.clone(), place.address.to_string(), format!("{} {}", place.postal_code, place.city)]
        });
        let lines = placed.lines.iter().map(|line| {
            let cost = page.money(&line.cost().ok()?);
            Some((line.name.to_string(), line.quantity.get(), cost))
        });
        Some(Self {
            number: placed.number.to_string(),
            email: customer.email.to_string(),
            name: customer.first_name.to_string(),
            address,
            lines: lines.collect::<Option<_>>()?,
            total: page.money(&placed.total),
            payment,
            live,
            page,
        })
    }
}
