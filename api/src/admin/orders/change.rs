//! `POST /admin/orders/{id}/`: what is done to one order.

use super::pay::{self, Outcome};
use super::{mails, path, show};
use crate::admin::texts::text;
use crate::admin::{Notice, Refusal, StaffForm, StaffVisit, Tone};
use crate::auth::permission::{CorrectOrders, ReadOrders, RecordPayments, WriteMessages};
use crate::corrections::Before;
use crate::http::App;
use crate::problem::Problem;
use crate::shop::Fault;
use axum::extract::{Path, State};
use axum::response::Response;
use commands::messages::{Author, MessageError, NewMessage};
use commands::staff::notes::{self, NoteError};
use commands::{Context, Snapshot, Submission};
use consumers::parked;
use domain::ids::OrderId;
use domain::order::{Command, Order};
use domain::text::{Email, MessageText, PaymentReference};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

type Visit = StaffVisit<ReadOrders>;

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
    posted: StaffForm,
) -> Result<Response, Refusal> {
    let (order, snapshot) = show::load(&app, &id).await?;
    let (tone, words) = match posted.get("act") {
        Some("pay") => {
            visit.require::<RecordPayments>()?;
            pay(&app, &visit, order, &posted).await?
        }
        Some("email") => {
            visit.require::<CorrectOrders>()?;
            match correct(&app, &visit, order, &snapshot, &posted).await? {
                Ok(outcome) => outcome,
                Err(response) => return Ok(response),
            }
        }
        Some("mail") => {
            visit.require::<WriteMessages>()?;
            let which =
                posted.get("which").and_then(consumers::order_mail::again::Which::parse).ok_or(Fault::Invalid)?;
            mails::again(&app, order, which, snapshot.state.is_paid()).await?
        }
        Some(act @ ("retry" | "discard")) => {
            visit.require::<WriteMessages>()?;
            decide(&app, &visit, order, act, &posted).await?
        }
        Some("note") => note(&app, &visit, order, &posted).await?,
        Some("message") => {
            visit.require::<WriteMessages>()?;
            message(&app, &visit, order, &posted).await?
        }
        _ => return Err(Fault::Invalid.into()),
    };
    let notice = match tone {
        Tone::Good => Notice::good(words),
        Tone::Warn => Notice::warn(words),
        Tone::Bad => Notice::bad(words),
    };
    visit.tell(&app, notice).await?;
    Ok(visit.see_other(&path(order))?)
}

/// What makes what was sent one thing, however often it is sent.
fn form_key(posted: &StaffForm) -> Result<Uuid, Fault> {
    posted.get("form").and_then(|form| form.parse().ok()).ok_or(Fault::Invalid)
}

/// Under the reference that was typed, or one of the form.
async fn pay(app: &App, visit: &Visit, order: OrderId, posted: &StaffForm) -> Result<Outcome, Fault> {
    let typed = posted.get("reference").map(str::trim).filter(|reference| !reference.is_empty());
    let reference =
        typed.map_or_else(|| Ok(format!("otherwise:{}", form_key(posted)?)), |typed| Ok::<_, Fault>(typed.to_owned()));
    match PaymentReference::parse(&reference?) {
        Ok(reference) => Ok(pay::rest(app, visit, order, &reference).await),
        Err(error) => Ok((Tone::Bad, format!("{} {error}.", text("staff-order-reference")))),
    }
}

/// What came of it, or the page again where what was typed is no address.
async fn correct(
    app: &App,
    visit: &Visit,
    order: OrderId,
    snapshot: &Snapshot<Order>,
    posted: &StaffForm,
) -> Result<Result<Outcome, Response>, Fault> {
    let mut form = show::correction(snapshot.state.placed().ok_or(Fault::NotFound)?);
    form.fill(posted);
    let Some(email) = form.read("email", Email::parse) else {
        return Ok(Err(visit.show_refused(&show::of(app, visit, order, snapshot, form).await?)?));
    };
    let before = Before::of(app, order).await?;
    if before.email.as_ref() == Some(&email) {
        return Ok(Ok((Tone::Warn, text("staff-order-same-email"))));
    }
    let context = Context { locale: before.locale.clone(), ..visit.context() };
    let submission = Submission {
        id: order.to_string(),
        command: Command::CorrectEmail { email: email.clone() },
        fresh_id: false,
        expected_version: None,
        context,
        key: None,
        answer: pay::nothing(),
        admission: None,
    };
    Ok(Ok(match app.gateway.submit(submission).await {
        Ok(done) => {
            before.give_up_mails(app, order, &email, done.position, &visit.me.actor()).await;
            (Tone::Good, text("staff-order-email-corrected"))
        }
        Err(error) => pay::refused(&error),
    }))
}

/// What becomes of a mail that was refused, or of which it is not known whether it went out. Only one of this order's.
async fn decide(app: &App, visit: &Visit, order: OrderId, act: &str, posted: &StaffForm) -> Result<Outcome, Fault> {
    let mail: i64 = posted.get("mail").and_then(|mail| mail.parse().ok()).ok_or(Fault::Invalid)?;
    if !mails::entries(app, order).await?.contains(&mail) {
        return Err(Fault::NotFound);
    }
    let (pool, who) = (app.log.pool(), visit.me.actor());
    let decided = match act {
        "retry" => parked::retry(pool, mail, &who).await,
        _ => parked::discard(pool, mail, &who).await,
    };
    let decided = decided.map_err(|error| {
        tracing::warn!(%error, "a mail could not be decided on");
        Fault::Unavailable(2)
    })?;
    Ok(match (decided, act) {
        (parked::Decided::NotParked, _) => (Tone::Warn, text("staff-mail-not-open")),
        (parked::Decided::Done, "retry") => (Tone::Good, text("staff-mail-on-its-way")),
        (parked::Decided::Done, _) => (Tone::Good, text("staff-mail-was-given-up")),
    })
}

async fn note(app: &App, visit: &Visit, order: OrderId, posted: &StaffForm) -> Result<Outcome, Fault> {
    let body = posted.get("note").unwrap_or_default();
    match notes::write(app.log.pool(), order, &visit.me, body, visit.now()).await {
        Ok(()) => Ok((Tone::Good, text("staff-note-is-kept"))),
        Err(NoteError::Database(error)) => Err(Problem::from(error).into()),
        Err(error) => Ok((Tone::Bad, error.to_string())),
    }
}

/// An answer to the customer, once however often the form is sent.
async fn message(app: &App, visit: &Visit, order: OrderId, posted: &StaffForm) -> Result<Outcome, Fault> {
    let form = form_key(posted)?;
    let typed = posted.get("message").unwrap_or_default().replace("\r\n", "\n");
    let body = match MessageText::parse(&typed) {
        Ok(body) => body,
        Err(error) => return Ok((Tone::Bad, format!("{} {error}.", text("staff-message")))),
    };
    let key = Sha256::new().chain_update(form.as_bytes()).chain_update(body.as_str()).finalize();
    let author = Author::Staff(visit.me.actor());
    let message = NewMessage { order, author: &author, key: Some(key.into()), text: &body };
    match app.live.write(&message, visit.now()).await {
        Ok(_) => Ok((Tone::Good, text("staff-message-is-sent"))),
        Err(MessageError::Database(error)) => Err(Problem::from(error).into()),
        Err(error) => Ok((Tone::Bad, error.to_string())),
    }
}
