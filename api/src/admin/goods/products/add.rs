//! `/admin/new/product/`: a product that the shop does not have yet.

use super::form::{CategoryChoice, ProductForm};
use super::{ADD, Acting, Visit, path};
use crate::admin::acting::{Ask, Refusal};
use crate::admin::form::Form;
use crate::admin::texts::{text, text_with};
use crate::admin::{AdminPage, Notice, Section, StaffForm};
use crate::app::App;
use crate::shop::{Fault, Reads};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::product::Product;
use projections::Projection;
use projections::categories::{self, Categories};
use projections::products::{self, Products, Stock};
use std::sync::Arc;

/// Where nothing is sold yet.
const FIRST_CURRENCY: &str = "USD";

#[derive(Template)]
#[template(path = "admin/product_add.html")]
struct Shown {
    page: AdminPage,
    action: &'static str,
    form: Form,
    categories: Vec<CategoryChoice>,
    categories_error: Option<String>,
}

pub(super) async fn ask(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    let mut reads = Reads::default();
    let one = reads.run(Products::NAME, products::stock(&app.views, &Stock::default(), None, 1)).await?;
    let currency = one.rows.first().map_or(FIRST_CURRENCY, |row| row.price.currency().code());
    let shown = shown(&app, &visit, ProductForm::new(currency)).await?;
    visit.show(&shown, reads.took).await
}

async fn shown(app: &App, visit: &Visit, form: ProductForm) -> Result<Shown, Fault> {
    let shelves = Reads::default().run(Categories::NAME, categories::list(&app.views)).await?;
    Ok(Shown {
        page: visit.page(Section::Products),
        action: ADD,
        categories: form.choices(&shelves),
        categories_error: form.categories_error,
        form: form.form,
    })
}

pub(super) async fn add(State(app): State<Arc<App>>, acting: Acting, posted: StaffForm) -> Result<Response, Fault> {
    let mut form = ProductForm::new(FIRST_CURRENCY);
    form.fill(&posted);
    let Some((sku, command)) = form.added() else {
        return acting.show_refused(&shown(&app, &acting, form).await?).await;
    };
    match acting.submit::<Product>(&app, Ask::on(sku.as_str(), command, None)).await? {
        Ok(_) => {
            let told = text_with("product-was-added", &[("sku", sku.as_str().into())]);
            acting.tell(&app, Notice::good(told)).await?;
            acting.see_other(&path(&sku))
        }
        Err(Refusal::Rejected(rejection)) => {
            form.refuse(&rejection);
            acting.show_refused(&shown(&app, &acting, form).await?).await
        }
        Err(Refusal::Changed(_) | Refusal::SentBefore) => {
            form.form.wrong("sku", text("goods-try-again"));
            acting.show_refused(&shown(&app, &acting, form).await?).await
        }
    }
}
