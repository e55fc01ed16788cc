//! `/sandbox/{intent}/`: the built-in provider's page. It stands for a page that is not the shop's, and looks like
//! that.

use super::super::{Fault, Page, Posted, Visit};
use super::access::lead_back;
use crate::app::App;
use crate::payments::inbox::ReceiveError;
use crate::payments::sandbox;
use crate::problem::Problem;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use commands::payments::intents::{Intent, IntentState};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

#[derive(Template)]
#[template(path = "sandbox.html")]
struct Shown {
    page: Page,
    amount: String,
    path: String,
    cancel: String,
    /// Whether it can still be decided.
    open: bool,
    /// Where the customer came from.
    back: String,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(intent): Path<String>,
) -> Result<Response, Fault> {
    let intent = known(&app, &intent).await?;
    let page = visit.page(&app).await?;
    let ending = |ending: &str| format!("/orders/{}/{ending}/?intent={}", intent.order, intent.id);
    let shown = Shown {
        amount: page.money(&intent.amount),
        path: sandbox::Sandbox::path(intent.id),
        cancel: ending("pay/cancelled"),
        open: intent.state == IntentState::Open,
        back: ending("paid"),
        page,
    };
    visit.show_alone(&shown, Duration::ZERO)
}

/// `POST`: the customer agrees. The provider decides, sends its notice, and sends the customer back.
pub(super) async fn decide(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(intent): Path<String>,
    // From a page of ours alone.
    _: Posted,
) -> Result<Response, Fault> {
    let intent = known(&app, &intent).await?;
    let provider = app.payments.provider().cloned().ok_or(Fault::NotFound)?;
    let sandbox = provider.as_sandbox().ok_or(Fault::NotFound)?;
    if intent.state != IntentState::Open {
        return lead_back(&app, &visit, intent.order, None).await;
    }
    let decided = sandbox.decide(&intent).await.map_err(Problem::from)?;
    match app.payments.receive(sandbox::NAME, &decided.headers, &decided.body).await {
        Ok(()) => {}
        // The way back tells it too, as with any provider whose notice is late.
        Err(ReceiveError::Database(error)) => tracing::warn!(%error, "the sandbox's notice could not be kept"),
        Err(error) => tracing::error!(%error, "the sandbox's own notice was not taken"),
    }
    visit.see_other(&format!("/orders/{}/paid/?intent={}", intent.order, intent.id))
}

async fn known(app: &App, id: &str) -> Result<Intent, Fault> {
    let id: Uuid = id.parse().map_err(|_| Fault::NotFound)?;
    let intent = app.payments.intent(id).await.map_err(Problem::from)?;
    let is_ours =
        |intent: &Intent| intent.provider == sandbox::NAME && app.payments.provider_named(sandbox::NAME).is_some();
    intent.filter(is_ours).ok_or(Fault::NotFound)
}
