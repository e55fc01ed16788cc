//! `GET /`: what the shop is proud of.

use super::super::reads::Reads;
use super::super::{Fault, Page, Visit};
use super::card::{Card, Shelf};
use crate::http::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use projections::Projection;
use projections::categories::{self, Categories};
use projections::products::{self, Products};
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
    let shelves = reads.run(Categories::NAME, categories::list(&app.views)).await?;
    let featured = products::Shelf { category: None, search: None, featured: true };
    let mut rows = reads.run(Products::NAME, products::shown(&app.views, &featured, None, SHOWN)).await?.rows;
    if rows.is_empty() {
        // A shop that features nothing shows what it has.
        let all = products::Shelf { featured: false, ..featured };
        rows = reads.run(Products::NAME, products::shown(&app.views, &all, None, SHOWN)).await?.rows;
    }
    let page = visit.page(&app).await?;
    let mut cards = Card::all(rows, &page).into_iter();
    let home =
        Home { shelves: Shelf::all(shelves, visit.lang, None), first: cards.next(), others: cards.collect(), page };
    visit.show(&home, reads.took)
}
