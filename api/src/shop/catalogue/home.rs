//! `GET /`: what the shop is proud of.

use super::super::reads::Reads;
use super::super::shelves::Which;
use super::super::{Fault, Page, Visit};
use super::card::{Card, Shelf};
use crate::app::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;

/// The first product is shown wide, the others as a grid of four columns.
const SHOWN: u32 = 9;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    page: Page,
    shelves: Vec<Shelf>,
    first: Option<Card>,
    others: Vec<Card>,
}

pub(super) async fn handle(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    let mut reads = Reads::default();
    let shelves = app.shelves.categories(&mut reads).await?;
    let featured = Which { category: None, featured: true, after: None, limit: SHOWN };
    let mut shown = app.shelves.list(&featured, &mut reads).await?;
    if shown.rows.is_empty() {
        // A shop that features nothing shows what it has.
        shown = app.shelves.list(&Which { featured: false, ..featured }, &mut reads).await?;
    }
    let page = visit.page(&app).await?;
    let mut cards = Card::all(&shown.rows, &page).into_iter();
    let home =
        Home { shelves: Shelf::all(&shelves, visit.lang, None), first: cards.next(), others: cards.collect(), page };
    visit.show(&home, reads.took)
}
