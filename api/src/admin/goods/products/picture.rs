//! `POST /admin/products/{sku}/picture/`: another picture, or none any more.

use super::super::fields::version;
use super::show::{listed, shown_with_picture_error};
use super::upload::Upload;
use super::{Acting, path};
use crate::admin::Notice;
use crate::admin::acting::{Ask, Refusal};
use crate::admin::texts::text;
use crate::app::App;
use crate::shop::Fault;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::product::{Changes, Command, Presentation, Product};
use std::sync::Arc;

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    acting: Acting,
    Path(sku): Path<String>,
    upload: Upload,
) -> Result<Response, Fault> {
    let (sku, snapshot) = listed(&app, &sku).await?;
    let seen = version(upload.version.as_deref()).ok_or(Fault::Invalid)?;
    let is_removed = upload.act.as_deref() == Some("remove");
    let picture = match is_removed {
        true => None,
        false if upload.file.is_empty() => {
            let shown = shown_with_picture_error(&app, &acting, &snapshot, text("product-picture-missing")).await?;
            return acting.show_refused(&shown).await;
        }
        false => match app.pictures.keep(upload.file).await {
            Ok(picture) => Some(picture),
            Err(error) => {
                error.log();
                let shown = shown_with_picture_error(&app, &acting, &snapshot, error.to_string()).await?;
                return acting.show_refused(&shown).await;
            }
        },
    };
    let presentation = Presentation { picture: Some(picture), ..Presentation::default() };
    let command = Command::Change(Changes { presentation, ..Changes::default() });
    match acting.submit::<Product>(&app, Ask::on(sku.as_str(), command, Some(seen))).await? {
        Ok(_) => {
            let told = if is_removed { "product-picture-is-gone" } else { "product-picture-is-there" };
            acting.tell(&app, Notice::good(text(told))).await?;
            acting.see_other(&path(&sku))
        }
        Err(Refusal::Rejected(rejection)) => {
            let shown = shown_with_picture_error(&app, &acting, &snapshot, rejection.to_string()).await?;
            acting.show_refused(&shown).await
        }
        Err(Refusal::Changed(current)) => {
            let shown = shown_with_picture_error(&app, &acting, &current, text("product-picture-changed")).await?;
            acting.show_refused(&shown).await
        }
        Err(Refusal::SentBefore) => Err(Fault::Internal),
    }
}
