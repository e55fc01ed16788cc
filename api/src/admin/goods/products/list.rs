//! `/admin/products/`: the stock, and what is done to those of it that are chosen.

use super::{Acting, PATH, Visit};
use crate::admin::acting::{Ask, Outcome};
use crate::admin::bulk::{self, RowOutcome};
use crate::admin::list::{Filters, Pager, Query, back};
use crate::admin::texts::{text, text_with};
use crate::admin::{AdminPage, Section, StaffForm};
use crate::app::App;
use crate::pictures::Size;
use crate::shop::{Fault, Reads};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::product::{Changes, Command, Presentation, Product, Status};
use domain::{Sku, Slug};
use projections::Projection;
use projections::categories::{self, Categories, CategoryRow};
use projections::products::{self, ProductRow, Products, Stock};
use std::sync::Arc;

const PAGE_ROWS: u32 = 50;

struct Row {
    sku: String,
    name: String,
    picture: Option<String>,
    price: String,
    on_sale: bool,
    featured: bool,
    categories: String,
    updated_at: DateTime<Utc>,
}

#[derive(Template)]
#[template(path = "admin/products.html")]
struct Shown {
    page: AdminPage,
    filters: Filters,
    pager: Pager,
    rows: Vec<Row>,
    /// Where this list is, for what is done to some of it.
    here: String,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(raw): RawQuery,
) -> Result<Response, Fault> {
    let query = Query::parse(raw.as_deref());
    let mut reads = Reads::default();
    let shelves = reads.run(Categories::NAME, categories::list(&app.views)).await?;
    let category = query.get("category").and_then(|slug| Slug::parse(slug).ok());
    let stock = Stock {
        status: query.get("status").and_then(status),
        category: category.as_ref(),
        search: query.get("q"),
        featured: query.get("featured").map(|featured| featured == "yes"),
    };
    let after = query.after().and_then(|sku| Sku::parse(sku).ok());
    let stock = products::stock(&app.views, &stock, after.as_ref(), PAGE_ROWS);
    let found = reads.run(Products::NAME, stock).await?;
    let page = visit.page(Section::Products);
    let count = text_with("goods-shown", &[("count", found.rows.len().into())]);
    let shown = Shown {
        filters: filters(&query, &shelves),
        pager: Pager::new(PATH, &query, count, found.next.as_deref()),
        rows: found.rows.into_iter().map(|row| shown(row, &shelves, &page)).collect(),
        here: visit.here.clone(),
        page,
    };
    visit.show(&shown, reads.took).await
}

fn status(text: &str) -> Option<Status> {
    match text {
        "active" => Some(Status::Active),
        "withdrawn" => Some(Status::Withdrawn),
        _ => None,
    }
}

fn filters(query: &Query, shelves: &[CategoryRow]) -> Filters {
    let states = [("active", text("product-on-sale")), ("withdrawn", text("product-withdrawn"))];
    let featured = [("yes", text("goods-yes")), ("no", text("goods-no"))];
    let shelves: Vec<(&str, String)> =
        shelves.iter().filter(|row| !row.removed).map(|row| (row.slug.as_str(), row.name.clone())).collect();
    Filters::new(PATH, query)
        .search(text("product-search"))
        .choices(text("product-status"), "status", &states)
        .choices(text("product-is-featured"), "featured", &featured)
        .choices(text("product-category"), "category", &shelves)
}

fn shown(row: ProductRow, shelves: &[CategoryRow], page: &AdminPage) -> Row {
    let name =
        |slug: &String| shelves.iter().find(|row| row.slug == *slug).map_or(slug.clone(), |row| row.name.clone());
    Row {
        name: row.name,
        picture: row.picture.as_deref().map(|picture| page.picture(picture, Size::Small)),
        price: page.money(&row.price),
        on_sale: row.status == Status::Active,
        featured: row.featured,
        categories: row.categories.iter().map(name).collect::<Vec<_>>().join(", "),
        updated_at: row.updated_at,
        sku: row.sku,
    }
}

/// What is done to each that is chosen, and the text that says it was.
fn asked(act: Option<&str>) -> Option<(Command, &'static str)> {
    let featured = |featured| {
        let presentation = Presentation { featured: Some(featured), ..Presentation::default() };
        Command::Change(Changes { presentation, ..Changes::default() })
    };
    match act? {
        "withdraw" => Some((Command::Withdraw, "product-was-withdrawn")),
        "restore" => Some((Command::Restore, "product-was-restored")),
        "feature" => Some((featured(true), "product-was-featured")),
        "unfeature" => Some((featured(false), "product-was-unfeatured")),
        _ => None,
    }
}

pub(super) async fn act(State(app): State<Arc<App>>, acting: Acting, posted: StaffForm) -> Result<Response, Fault> {
    let (command, told) = asked(posted.get("act")).ok_or(Fault::Invalid)?;
    let acting = Arc::new(acting);
    match bulk::chosen(&posted, |sku| Sku::parse(sku).ok())? {
        Ok(skus) => {
            let work = move |app, acting, sku| on_one(app, acting, sku, command.clone(), told);
            bulk::on_each(&app, &acting, Some(Products::NAME), skus, work).await?;
        }
        Err(notice) => acting.tell(&app, notice).await?,
    }
    acting.see_other(back(PATH, posted.get("back")))
}

async fn on_one(app: Arc<App>, acting: Arc<Acting>, sku: Sku, command: Command, told: &'static str) -> RowOutcome {
    let outcome = match acting.carry_out::<Product>(&app, Ask::on(sku.as_str(), command, None)).await {
        Ok(done) => Outcome::good(text(told)).at(done.position),
        Err(error) => Outcome::refused(&error),
    };
    Ok((sku.to_string(), outcome))
}
