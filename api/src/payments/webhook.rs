//! `POST /payments/{provider}/webhook`: where providers tell what happened. No session, no API key: the signature says
//! whose it is. Answered 204 once the notice is on disk, and not before; all else has the provider tell it again.

use super::inbox::ReceiveError;
use super::provider::NoticeError;
use crate::app::App;
use crate::http::{Produces, Routes, Source, body};
use crate::openapi::{Operation, Tag};
use crate::problem::{Code, Problem};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{Method, StatusCode};
use serde_json::json;
use std::sync::Arc;

/// Adds the path.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes.route("/payments/{provider}/webhook", Produces::Json, post(handle))
}

/// The path, as the API's document tells it.
pub(crate) fn operations() -> Vec<Operation> {
    let about = "For the provider alone: its signature says whose it is.";
    let webhook = Operation::new(
        Method::POST,
        "/payments/{provider}/webhook",
        Tag::Payments,
        "receiveNotice",
        "What a payment provider tells",
    );
    let refused = [
        Code::NotFound,
        Code::NotGenuine,
        Code::SignatureUnchecked,
        Code::MalformedJson,
        Code::IncompleteBody,
        Code::RequestTimeout,
        Code::BodyTooLarge,
        Code::RateLimited,
        Code::Unavailable,
    ];
    vec![
        webhook
            .about(about)
            .admitted()
            .at("provider", json!({ "type": "string", "pattern": "^[a-z]+$" }), "paypal")
            .refuses(&refused)
            .answers_nothing(StatusCode::NO_CONTENT, "It is taken down.", &[]),
    ]
}

async fn handle(
    State(app): State<Arc<App>>,
    Path(provider): Path<String>,
    source: Source,
    request: Request,
) -> Result<Response, Problem> {
    if app.payments.provider_named(&provider).is_none() {
        return Err(not_found());
    }
    // Nobody is known before the signature is checked: who floods us must not use up what is the provider's.
    app.forgeries.check(&source)?;
    app.notices.take(source)?;
    let (head, body) = request.into_parts();
    let body = body::receive_raw(&head, body).await?;
    match app.payments.receive(&provider, &head.headers, &body).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(ReceiveError::NoProvider) => Err(not_found()),
        Err(ReceiveError::TooLong) => Err(Problem::new(Code::BodyTooLarge, "No notice is that long.")),
        Err(ReceiveError::Notice(error)) => {
            if matches!(error, NoticeError::NotGenuine(_)) {
                // Whether there is still one to take is seen before the next one is looked at.
                let _ = app.forgeries.take(source);
            }
            Err(not_taken(&provider, &error))
        }
        Err(ReceiveError::Database(error)) => Err(error.into()),
    }
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "No payments are made by this provider.")
}

fn not_taken(provider: &str, error: &NoticeError) -> Problem {
    tracing::warn!(provider, %error, "a notice was not taken");
    match error {
        NoticeError::NotGenuine(_) => {
            metrics::counter!("orders_payment_notices_refused_total", "provider" => provider.to_owned()).increment(1);
            Problem::new(Code::NotGenuine, "The signature is not the provider's.")
        }
        NoticeError::Unchecked(_) => Problem::new(Code::SignatureUnchecked, "Send it again."),
        NoticeError::Unreadable(_) => Problem::new(Code::MalformedJson, "The notice can't be read."),
    }
}
