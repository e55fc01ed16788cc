//! `/admin/products/{sku}/`: all that is known of a product, from its own history, and a form to change it.

use super::super::fields::version;
use super::form::{CategoryChoice, ProductForm};
use super::told::{History, told};
use super::{Acting, Visit, path};
use crate::admin::acting::{Ask, Refusal};
use crate::admin::actors::Actors;
use crate::admin::form::Form;
use crate::admin::texts::text;
use crate::admin::{AdminPage, Notice, Section, StaffForm};
use crate::app::App;
use crate::pictures::Size;
use crate::problem::within;
use crate::product_history;
use crate::shop::{Fault, Reads};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use commands::Snapshot;
use domain::Sku;
use domain::product::{Command, Listed, Product, Status};
use projections::Projection;
use projections::categories::{self, Categories};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "admin/product.html")]
pub(super) struct Shown {
    page: AdminPage,
    path: String,
    /// Where visitors see it.
    shop_path: String,
    sku: String,
    name: String,
    version: u64,
    on_sale: bool,
    price: String,
    picture: Option<String>,
    /// What is wrong with the file that was handed in.
    picture_error: Option<String>,
    /// Whether somebody changed it while it was looked at.
    is_changed: bool,
    form: Form,
    categories: Vec<CategoryChoice>,
    categories_error: Option<String>,
    history: History,
}

/// A product that there is; a page is shown of no other.
pub(super) async fn listed(app: &App, sku: &str) -> Result<(Sku, Arc<Snapshot<Product>>), Fault> {
    let sku = Sku::parse(sku).map_err(|_| Fault::NotFound)?;
    let snapshot = within(app.gateway.load::<Product>(sku.as_str())).await?;
    if snapshot.version == 0 { Err(Fault::NotFound) } else { Ok((sku, snapshot)) }
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(sku): Path<String>,
) -> Result<Response, Fault> {
    let (_, snapshot) = listed(&app, &sku).await?;
    let Product::Listed(product) = &snapshot.state else { return Err(Fault::NotFound) };
    let mut reads = Reads::default();
    let shown = shown(&app, &visit, &mut reads, &snapshot, ProductForm::of(product)).await?;
    visit.show(&shown, reads.took).await
}

async fn shown(
    app: &App,
    visit: &Visit,
    reads: &mut Reads,
    snapshot: &Snapshot<Product>,
    form: ProductForm,
) -> Result<Shown, Fault> {
    let Product::Listed(Listed { sku, name, status, price, picture, .. }) = &snapshot.state else {
        return Err(Fault::NotFound);
    };
    let shelves = reads.run(Categories::NAME, categories::list(&app.views)).await?;
    let changes = within(product_history::of(&app.log, sku)).await?;
    let actors = Actors::of(app, changes.iter().map(|change| change.actor.as_str())).await?;
    let page = visit.page(Section::Products);
    Ok(Shown {
        path: path(sku),
        shop_path: format!("/products/{sku}/"),
        sku: sku.to_string(),
        name: name.to_string(),
        version: snapshot.version,
        on_sale: *status == Status::Active,
        price: page.money(price),
        picture: picture.as_ref().map(|picture| page.picture(picture.as_str(), Size::Medium)),
        picture_error: None,
        is_changed: false,
        categories: form.choices(&shelves),
        categories_error: form.categories_error,
        form: form.form,
        history: told(&changes, &actors, &page),
        page,
    })
}

/// The page again, with what is wrong with a file.
pub(super) async fn shown_with_picture_error(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot<Product>,
    error: String,
) -> Result<Shown, Fault> {
    let Product::Listed(product) = &snapshot.state else { return Err(Fault::NotFound) };
    let shown = shown(app, visit, &mut Reads::default(), snapshot, ProductForm::of(product)).await?;
    Ok(Shown { picture_error: Some(error), ..shown })
}

pub(super) async fn change(
    State(app): State<Arc<App>>,
    acting: Acting,
    Path(sku): Path<String>,
    posted: StaffForm,
) -> Result<Response, Fault> {
    let (sku, snapshot) = listed(&app, &sku).await?;
    let seen = version(posted.get("version")).ok_or(Fault::Invalid)?;
    let Product::Listed(product) = &snapshot.state else { return Err(Fault::NotFound) };
    let mut form = ProductForm::of(product);
    form.fill(&posted);
    let mut reads = Reads::default();
    let Some(changes) = form.changes() else {
        // What is shown again is still the version that was shown: somebody else's change is not overwritten unseen.
        let shown = shown(&app, &acting, &mut reads, &snapshot, form).await?;
        return acting.show_refused(&Shown { version: seen, ..shown }).await;
    };
    let asked = Ask::on(sku.as_str(), Command::Change(changes), Some(seen));
    match acting.submit::<Product>(&app, asked).await? {
        Ok(_) => {
            acting.tell(&app, Notice::good(text("goods-saved"))).await?;
            acting.see_other(&path(&sku))
        }
        Err(Refusal::Rejected(rejection)) => {
            form.refuse(&rejection);
            let shown = shown(&app, &acting, &mut reads, &snapshot, form).await?;
            acting.show_refused(&Shown { version: seen, ..shown }).await
        }
        Err(Refusal::Changed(current)) => {
            let Product::Listed(product) = &current.state else { return Err(Fault::NotFound) };
            form.compare(product);
            let shown = shown(&app, &acting, &mut reads, &current, form).await?;
            acting.show_refused(&Shown { is_changed: true, ..shown }).await
        }
        Err(Refusal::SentBefore) => Err(Fault::Internal),
    }
}
