//! `POST /admin/products/{sku}/sale/`: out of sale, and back.

use super::show::listed;
use super::{Acting, path};
use crate::admin::acting::{Ask, Refusal};
use crate::admin::texts::text;
use crate::admin::{Notice, StaffForm};
use crate::app::App;
use crate::shop::Fault;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::product::{Command, Product};
use std::sync::Arc;

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    acting: Acting,
    Path(sku): Path<String>,
    posted: StaffForm,
) -> Result<Response, Fault> {
    let (sku, _) = listed(&app, &sku).await?;
    let (command, told) = match posted.get("act") {
        Some("withdraw") => (Command::Withdraw, "product-was-withdrawn"),
        Some("restore") => (Command::Restore, "product-was-restored"),
        _ => return Err(Fault::Invalid),
    };
    // Whatever else was changed meanwhile, it is on sale or not as was asked for.
    let notice = match acting.submit::<Product>(&app, Ask::on(sku.as_str(), command, None)).await? {
        Ok(_) => Notice::good(text(told)),
        Err(Refusal::Rejected(rejection)) => Notice::bad(rejection.to_string()),
        Err(Refusal::Changed(_) | Refusal::SentBefore) => return Err(Fault::Internal),
    };
    acting.tell(&app, notice).await?;
    acting.see_other(&path(&sku))
}
