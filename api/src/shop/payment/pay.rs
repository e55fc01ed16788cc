//! `POST /orders/{id}/pay/`: asks the provider for what is still to be paid, and leads there.

use super::super::{Fault, Page, Posted, Visit, order_page};
use super::access::{self, lead_back};
use super::panel::Notice;
use crate::app::App;
use crate::payments::BeginError;
use crate::payments::provider::ProviderError;
use crate::problem::Problem;
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use commands::payments::intents::{Intent, IntentState};
use http::{HeaderValue, header};
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    posted: Posted,
) -> Result<Response, Fault> {
    let order = order_page::order(&app, &visit, &id, query.as_deref()).await?;
    visit.session.check(posted.get("csrf"))?;
    app.checkouts.wait_for(order.0).map_err(Fault::too_many)?;
    match app.payments.begin(order, visit.lang.tag()).await {
        Ok(intent) => match own_path(&intent) {
            Some(path) => visit.see_other(path),
            None => visit.see_other(&format!("/orders/{order}/pay/?intent={}", intent.id)),
        },
        Err(BeginError::NothingToPay | BeginError::UnderWay) => lead_back(&app, &visit, order, None).await,
        Err(BeginError::Provider(error)) => {
            tracing::warn!(%error, %order, "a payment could not be begun");
            let notice = if matches!(error, ProviderError::Amount(_)) { Notice::Amount } else { Notice::Away };
            lead_back(&app, &visit, order, Some(notice)).await
        }
        Err(BeginError::NotOffered | BeginError::NoOrder) => Err(Fault::NotFound),
        Err(BeginError::Log(error)) => Err(Problem::from(error).into()),
        Err(BeginError::Database(error)) => Err(Problem::from(error).into()),
    }
}

/// A provider's page that is one of ours.
fn own_path(intent: &Intent) -> Option<&str> {
    intent.approve_url.as_deref().filter(|url| url.starts_with('/') && !url.starts_with("//"))
}

#[derive(Template)]
#[template(path = "pay.html")]
struct Leaving {
    page: Page,
    url: String,
    provider: String,
}

/// `GET /orders/{id}/pay/?intent=…`: a page that leads on to the provider's. A form of ours may be answered by pages of
/// ours alone (`form-action 'self'`, which browsers hold redirects to as well), and leads to this one.
pub(super) async fn lead_on(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let intent = access::intent(&app, &id, query.as_deref()).await?;
    let url = intent.approve_url.clone().filter(|_| intent.state == IntentState::Open);
    let Some(url) = url.filter(|_| own_path(&intent).is_none()) else {
        return lead_back(&app, &visit, intent.order, None).await;
    };
    let refresh = HeaderValue::try_from(format!("0; url={url}")).map_err(|_| Fault::Internal)?;
    let provider =
        app.payments.provider_named(&intent.provider).map_or("", |provider| provider.shown_name()).to_owned();
    let leaving = Leaving { page: visit.page(&app).await?, url, provider };
    let mut response = visit.show_alone(&leaving, Duration::ZERO)?;
    // Replaces this page in the browser's history: "back" leads to the order.
    response.headers_mut().insert(header::REFRESH, refresh);
    Ok(response)
}
