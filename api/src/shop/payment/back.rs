//! The ways back from a provider's page.

use super::super::{Fault, Visit};
use super::access::{self, lead_back};
use crate::app::App;
use crate::problem::Problem;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;

/// How long the customer waits for the provider's word before being shown that it is on its way.
const WAIT_AT_MOST: Duration = Duration::from_secs(20);

/// `GET /orders/{id}/paid/?intent=…`: the customer says to have agreed. Whether that is so, the provider is asked.
pub(super) async fn paid(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let intent = access::intent(&app, &id, query.as_deref()).await?;
    // What takes longer goes on without the customer.
    match tokio::time::timeout(WAIT_AT_MOST, app.payments.returned(intent.id)).await {
        Ok(Ok(_)) | Err(_) => lead_back(&app, &visit, intent.order, None).await,
        Ok(Err(error)) => Err(Problem::from(error).into()),
    }
}

/// `GET /orders/{id}/pay/cancelled/?intent=…`: the customer came back without agreeing.
pub(super) async fn cancelled(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let intent = access::intent(&app, &id, query.as_deref()).await?;
    app.payments.cancelled(intent.id).await.map_err(Problem::from)?;
    lead_back(&app, &visit, intent.order, None).await
}
