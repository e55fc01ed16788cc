//! `/admin/products/`: the stock, and what is done to those of it that are chosen.

use super::super::acting::{Ask, Refusal, caught_up};
use super::{Acting, PATH, Visit};
use crate::admin::list::{Filters, Pager, Query};
use crate::admin::texts::{text, text_with};
use crate::admin::{AdminPage, Notice, Section, StaffForm, Tone};
use crate::http::App;
use crate::pictures::Size;
use crate::shop::{Fault, Reads};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::product::{Changes, Command, Presentation, Product, Status};
use domain::{Position, Sku, Slug};
use projections::Projection;
use projections::categories::{self, Categories, CategoryRow};
use projections::products::{self, ProductRow, Products, Stock};
use std::sync::Arc;

const PAGE_ROWS: u32 = 50;
/// More than a page has.
const MAX_CHOSEN: usize = 100;

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
    let page = visit.page(&app, Section::Products).await?;
    let count = text_with("goods-shown", &[("count", found.rows.len().into())]);
    let shown = Shown {
        filters: filters(&query, &shelves),
        pager: Pager::new(PATH, &query, count, found.next.as_deref()),
        rows: found.rows.into_iter().map(|row| shown(row, &shelves, &page)).collect(),
        here: visit.here.clone(),
        page,
    };
    visit.show(&shown, reads.took)
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
    let (mut rows, mut refused, mut last) = (Vec::new(), 0, Position::ORIGIN);
    for chosen in posted.all("row").take(MAX_CHOSEN) {
        let sku = Sku::parse(chosen).map_err(|_| Fault::Invalid)?;
        match acting.submit::<Product>(&app, Ask::on(sku.as_str(), command.clone(), None)).await? {
            Ok(done) => {
                last = last.max(done.position);
                rows.push((sku, Tone::Good, text(told)));
            }
            Err(Refusal::Rejected(rejection)) => {
                refused += 1;
                rows.push((sku, Tone::Bad, rejection.to_string()));
            }
            Err(Refusal::Changed(_) | Refusal::SentBefore) => return Err(Fault::Internal),
        }
    }
    caught_up(&app, Products::NAME, last).await;
    let notice = match (rows.len(), refused) {
        (0, _) => Notice::warn(text("goods-none-chosen")),
        (count, 0) => Notice::good(text_with("goods-all-done", &[("count", count.into())])),
        (count, refused) => {
            let words = text_with("goods-some-done", &[("done", (count - refused).into()), ("count", count.into())]);
            Notice::warn(words)
        }
    };
    let notice = rows.into_iter().fold(notice, |notice, (sku, tone, words)| notice.row(sku.as_str(), tone, words));
    acting.tell(&app, notice).await?;
    acting.see_other(&back(posted.get("back")))
}

/// Back to the list as it was filtered: a path of its own, and nothing else.
fn back(typed: Option<&str>) -> String {
    let own = typed.and_then(|path| path.strip_prefix(PATH)).filter(|query| query.is_empty() || query.starts_with('?'));
    own.map_or_else(|| PATH.to_owned(), |query| format!("{PATH}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_the_list() {
        assert_eq!(back(Some("/admin/products/?q=a&status=active")), "/admin/products/?q=a&status=active");
        for other in [None, Some("https://evil.test/"), Some("/admin/products/TEA/"), Some("//evil.test")] {
            assert_eq!(back(other), PATH, "{other:?}");
        }
    }
}
