//! `GET /products/`: everything that is on sale, or what is looked for, a page at a time.

use super::super::reads::Reads;
use super::super::shelves::{self, Which};
use super::super::{Fault, Page, Visit};
use super::card::{Card, Shelf};
use crate::app::App;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::{Sku, Slug};
use projections::Projection;
use projections::categories::CategoryRow;
use projections::products::{self, Products};
use std::sync::Arc;

/// Products on one page: whole rows of two, three and four columns.
pub(super) const PAGE_ROWS: u32 = 24;
/// The longest text that is looked for, in characters. What stands behind is left out.
const MAX_SEARCH_CHARS: usize = 100;

/// What the query of a list asks for. What it does not know is left unheeded: links come with parts that others add.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// What is looked for.
    pub(super) search: Option<String>,
    /// Behind which product the page begins.
    pub(super) after: Option<Sku>,
}

impl Asked {
    pub(super) fn of(query: Option<&str>) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "q" => {
                    let text: String = value.chars().filter(|c| !c.is_control()).take(MAX_SEARCH_CHARS).collect();
                    asked.search = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
                }
                "after" => asked.after = Sku::parse(&value).ok(),
                _ => {}
            }
        }
        asked
    }

    /// Where the page behind `last` is.
    fn next(&self, path: &str, last: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(search) = &self.search {
            query.append_pair("q", search);
        }
        format!("{path}?{}", query.append_pair("after", last).finish())
    }

    /// Where the first page is.
    fn first(&self, path: &str) -> String {
        let Some(search) = &self.search else { return path.to_owned() };
        format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).append_pair("q", search).finish())
    }
}

#[derive(Template)]
#[template(path = "list.html")]
struct List {
    page: Page,
    title: String,
    shelves: Vec<Shelf>,
    cards: Vec<Card>,
    /// What is said where nothing is found.
    empty: String,
    empty_hint: String,
    first_page: Option<String>,
    next_page: Option<String>,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let asked = Asked::of(query.as_deref());
    let mut reads = Reads::default();
    let shelves = app.shelves.categories(&mut reads).await?;
    show(&app, &visit, &asked, &shelves, None, reads).await
}

/// Shows the products of a category, or all.
pub(super) async fn show(
    app: &App,
    visit: &Visit,
    asked: &Asked,
    shelves: &[CategoryRow],
    category: Option<(&Slug, String)>,
    mut reads: Reads,
) -> Result<Response, Fault> {
    let slug = category.as_ref().map(|(slug, _)| *slug);
    let found = found(app, asked, slug, &mut reads).await?;
    let mut page = visit.page(app).await?;
    page.query = asked.search.clone().unwrap_or_default();
    let path = slug.map_or_else(|| "/products/".to_owned(), |slug| format!("/categories/{}/", slug.as_str()));
    let (title, empty, empty_hint) = match (&asked.search, category.as_ref()) {
        (Some(search), _) => (
            page.t1("search-title", "query", search.as_str()),
            page.t1("search-none", "query", search.as_str()),
            page.t("search-none-hint"),
        ),
        (None, Some((_, name))) => (name.clone(), page.t("category-empty"), page.t("category-empty-hint")),
        (None, None) => (page.t("products-title"), page.t("shop-empty"), page.t("shop-empty-hint")),
    };
    let list = List {
        title,
        shelves: Shelf::all(shelves, visit.lang, slug.map(Slug::as_str)),
        cards: Card::all(&found.rows, &page),
        empty,
        empty_hint,
        first_page: asked.after.as_ref().map(|_| asked.first(&path)),
        next_page: found.next.as_deref().map(|last| asked.next(&path, last)),
        page,
    };
    visit.show(&list, reads.took)
}

async fn found(
    app: &App,
    asked: &Asked,
    category: Option<&Slug>,
    reads: &mut Reads,
) -> Result<Arc<shelves::Shelf>, Fault> {
    match &asked.search {
        Some(search) => {
            let shelf = products::Shelf { category, search: Some(search), featured: false };
            let shown = products::shown(&app.views, &shelf, asked.after.as_ref(), PAGE_ROWS);
            reads.run(Products::NAME, shown).await.map(Arc::new)
        }
        None => {
            let (category, after) = (category.cloned(), asked.after.clone());
            app.shelves.list(&Which { category, featured: false, after, limit: PAGE_ROWS }, reads).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_what_is_looked_for_and_where_the_page_begins() {
        let asked = Asked::of(Some("q=+green+tea%00&after=TEA-1&utm_source=x"));
        assert_eq!(
            (asked.search.as_deref(), asked.after.as_ref().map(Sku::as_str)),
            (Some("green tea"), Some("TEA-1"))
        );
        assert_eq!(asked.next("/products/", "TEA-2"), "/products/?q=green+tea&after=TEA-2");
        assert_eq!(asked.first("/products/"), "/products/?q=green+tea");
        assert_eq!(Asked::of(Some("q=%20&after=../..")), Asked::default());
        assert_eq!(Asked::of(None).first("/categories/a/"), "/categories/a/");
        let long = Asked::of(Some(&format!("q={}", "茶".repeat(200)))).search.unwrap();
        assert_eq!(long.chars().count(), MAX_SEARCH_CHARS);
    }
}
