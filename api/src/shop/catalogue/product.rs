//! `GET /products/{sku}/`: one product. One that was withdrawn is shown too, as people come back to what they bought,
//! but can't be put into the cart.

use super::super::reads::Reads;
use super::super::shelves::Which;
use super::super::{Fault, Page, Visit};
use super::card::{Card, Shelf};
use crate::app::App;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use commands::shop::viewed;
use domain::product::Status;
use domain::{Quantity, Sku, Slug};
use projections::products::ProductRow;
use std::sync::Arc;

/// Products of the same category that are shown below.
const OTHERS: u32 = 4;

#[derive(Template)]
#[template(path = "product.html")]
struct Product {
    page: Page,
    shelves: Vec<Shelf>,
    card: Card,
    /// The description's paragraphs.
    paragraphs: Vec<String>,
    on_sale: bool,
    requires_shipping: bool,
    max_quantity: u32,
    /// The category that it is shown with.
    category: Option<Shelf>,
    others: Vec<Card>,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(sku): Path<String>,
) -> Result<Response, Fault> {
    let sku = Sku::parse(&sku).map_err(|_| Fault::NotFound)?;
    let mut reads = Reads::default();
    let found = app.shelves.product(&sku, &mut reads).await?;
    let row = found.as_ref().as_ref().ok_or(Fault::NotFound)?;
    let shelves = app.shelves.categories(&mut reads).await?;
    let page = visit.page(&app).await?;
    let mut shelves = Shelf::all(&shelves, visit.lang, None);
    let category = category_of(row, &mut shelves);
    let others = match category.as_ref().and_then(|shelf| Slug::parse(&shelf.slug).ok()) {
        None => Vec::new(),
        Some(slug) => {
            // One more than is shown: the product itself may be among them.
            let same = Which { category: Some(slug), featured: false, after: None, limit: OTHERS + 1 };
            let same = app.shelves.list(&same, &mut reads).await?;
            let others = same.rows.iter().filter(|other| other.sku != row.sku).take(OTHERS as usize);
            others.map(|other| Card::of(other, &page)).collect()
        }
    };
    let (on_sale, requires_shipping) = (row.status == Status::Active, row.requires_shipping);
    note_view(&app, &visit, &sku).await?;
    let card = Card::of(row, &page);
    let product = Product {
        shelves,
        paragraphs: paragraphs(card.description.as_deref().unwrap_or_default()),
        card,
        on_sale,
        requires_shipping,
        max_quantity: Quantity::MAX,
        category,
        others,
        page,
    };
    visit.show(&product, reads.took)
}

/// Counts what the visitor looks at. Of one without a session nothing is kept, and a page is shown also when it can't
/// be counted.
async fn note_view(app: &App, visit: &Visit, sku: &Sku) -> Result<(), Fault> {
    if let Some(session) = visit.session.get().await?
        && let Err(error) = viewed::note(app.log.pool(), session.visitor_id, sku, visit.session.now()).await
    {
        tracing::debug!(%error, "a view of a product was not counted");
    }
    Ok(())
}

/// The first of the product's categories that is shown; marked in the row of links.
fn category_of(row: &ProductRow, shelves: &mut [Shelf]) -> Option<Shelf> {
    let shelf = row.categories.iter().find_map(|slug| shelves.iter().position(|shelf| shelf.slug == *slug))?;
    let shelf = shelves.get_mut(shelf)?;
    shelf.current = true;
    Some(Shelf { slug: shelf.slug.clone(), name: shelf.name.clone(), current: true })
}

fn paragraphs(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
