//! `GET /categories/{slug}/`: what stands under one heading.

use super::super::reads::Reads;
use super::super::{Fault, Visit};
use super::card::category_name;
use super::list::{self, Asked};
use crate::app::App;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use domain::Slug;
use std::sync::Arc;

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let slug = Slug::parse(&slug).map_err(|_| Fault::NotFound)?;
    let asked = Asked { search: None, ..Asked::of(query.as_deref()) };
    let mut reads = Reads::default();
    let shelves = app.shelves.categories(&mut reads).await?;
    let own = shelves.iter().find(|row| row.slug == slug.as_str() && !row.removed).ok_or(Fault::NotFound)?;
    let name = category_name(own, visit.lang).to_owned();
    list::show(&app, &visit, &asked, &shelves, Some((&slug, name)), reads).await
}
