//! `POST /admin/orders/{id}/`: what is done to one order.

use super::{mails, path, pay, show};
use crate::admin::acting::{Ask, Locale, Outcome, caught_up};
use crate::admin::texts::text;
use crate::admin::{Refusal, StaffForm};
use crate::app::App;
use crate::auth::permission::{CorrectOrders, ReadOrders, RecordPayments, WriteMessages};
use crate::corrections::Before;
use crate::problem::Problem;
use crate::shop::Fault;
use axum::extract::{Path, State};
use axum::response::Response;
use commands::Snapshot;
use commands::messages::{Author, MessageError, NewMessage};
use commands::staff::notes::{self, NoteError};
use consumers::parked;
use domain::ids::OrderId;
use domain::order::{Command, Order};
use domain::text::{Email, MessageText, PaymentReference};
use projections::Projection;
use projections::order_list::OrderList;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

type Acting = crate::admin::acting::Acting<ReadOrders>;

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    acting: Acting,
    Path(id): Path<String>,
    posted: StaffForm,
) -> Result<Response, Refusal> {
    let (order, snapshot) = show::load(&app, &id).await?;
    let outcome = match posted.get("act") {
        Some("pay") => {
            acting.require::<RecordPayments>()?;
            pay(&app, &acting, order, &posted).await?
        }
        Some("email") => {
            acting.require::<CorrectOrders>()?;
            match correct(&app, &acting, order, &snapshot, &posted).await? {
                Ok(outcome) => outcome,
                Err(response) => return Ok(response),
            }
        }
        Some("mail") => {
            acting.require::<WriteMessages>()?;
            let which =
                posted.get("which").and_then(consumers::order_mail::again::Which::parse).ok_or(Fault::Invalid)?;
            mails::again(&app, order, which, snapshot.state.is_paid()).await?
        }
        Some(act @ ("retry" | "discard")) => {
            acting.require::<WriteMessages>()?;
            decide(&app, &acting, order, act, &posted).await?
        }
        Some("note") => note(&app, &acting, order, &posted).await?,
        Some("message") => {
            acting.require::<WriteMessages>()?;
            message(&app, &acting, order, &posted).await?
        }
        _ => return Err(Fault::Invalid.into()),
    };
    if let Some(position) = outcome.position {
        // The page itself shows what the log has; the way back leads to the list.
        caught_up(&app, OrderList::NAME, position).await;
    }
    acting.tell(&app, outcome.notice()).await?;
    Ok(acting.see_other(&path(order))?)
}

/// What makes what was sent one thing, however often it is sent.
fn form_key(posted: &StaffForm) -> Result<Uuid, Fault> {
    posted.get("form").and_then(|form| form.parse().ok()).ok_or(Fault::Invalid)
}

/// Under the reference that was typed, or one of the form.
async fn pay(app: &App, acting: &Acting, order: OrderId, posted: &StaffForm) -> Result<Outcome, Fault> {
    let typed = posted.get("reference").map(str::trim).filter(|reference| !reference.is_empty());
    let reference =
        typed.map_or_else(|| Ok(format!("otherwise:{}", form_key(posted)?)), |typed| Ok::<_, Fault>(typed.to_owned()));
    match PaymentReference::parse(&reference?) {
        Ok(reference) => Ok(pay::rest(app, acting, order, &reference).await),
        Err(error) => Ok(Outcome::bad(format!("{} {error}.", text("staff-order-reference")))),
    }
}

/// What came of it, or the page again where what was typed is no address.
async fn correct(
    app: &App,
    acting: &Acting,
    order: OrderId,
    snapshot: &Snapshot<Order>,
    posted: &StaffForm,
) -> Result<Result<Outcome, Response>, Fault> {
    let mut form = show::correction(snapshot.state.placed().ok_or(Fault::NotFound)?);
    form.fill(posted);
    let Some(email) = form.read("email", Email::parse) else {
        return Ok(Err(acting.show_refused(&show::of(app, acting, order, snapshot, form).await?).await?));
    };
    let before = Before::of(app, order).await?;
    if before.email.as_ref() == Some(&email) {
        return Ok(Ok(Outcome::warn(text("staff-order-same-email"))));
    }
    let command = Command::CorrectEmail { email: email.clone() };
    let locale = Locale::Customers(before.locale.clone());
    let ask = Ask { locale, ..Ask::on(order.to_string(), command, None) };
    Ok(Ok(match acting.carry_out::<Order>(app, ask).await {
        Ok(done) => {
            before.give_up_mails(app, order, &email, done.position, &acting.me.actor()).await;
            Outcome::good(text("staff-order-email-corrected")).at(done.position)
        }
        Err(error) => Outcome::refused(&error),
    }))
}

/// What becomes of a mail that was refused, or of which it is not known whether it went out. Only one of this order's.
async fn decide(app: &App, acting: &Acting, order: OrderId, act: &str, posted: &StaffForm) -> Result<Outcome, Fault> {
    let mail: i64 = posted.get("mail").and_then(|mail| mail.parse().ok()).ok_or(Fault::Invalid)?;
    if !mails::entries(app, order).await?.contains(&mail) {
        return Err(Fault::NotFound);
    }
    let (pool, who) = (app.log.pool(), acting.me.actor());
    let decided = match act {
        "retry" => parked::retry(pool, mail, &who).await,
        _ => parked::discard(pool, mail, &who).await,
    };
    let decided = decided.map_err(|error| {
        tracing::warn!(%error, "a mail could not be decided on");
        Fault::Unavailable(2)
    })?;
    Ok(match (decided, act) {
        (parked::Decided::NotParked, _) => Outcome::warn(text("staff-mail-not-open")),
        (parked::Decided::Done, "retry") => Outcome::good(text("staff-mail-on-its-way")),
        (parked::Decided::Done, _) => Outcome::good(text("staff-mail-was-given-up")),
    })
}

/// Among us, once however often the form is sent.
async fn note(app: &App, acting: &Acting, order: OrderId, posted: &StaffForm) -> Result<Outcome, Fault> {
    let (form, body) = (form_key(posted)?, posted.get("note").unwrap_or_default());
    match notes::write(app.log.pool(), order, &acting.me, form, body, acting.now()).await {
        Ok(()) => Ok(Outcome::good(text("staff-note-is-kept"))),
        Err(NoteError::Database(error)) => Err(Problem::from(error).into()),
        Err(error) => Ok(Outcome::bad(error.to_string())),
    }
}

/// An answer to the customer, once however often the form is sent.
async fn message(app: &App, acting: &Acting, order: OrderId, posted: &StaffForm) -> Result<Outcome, Fault> {
    let form = form_key(posted)?;
    let typed = posted.get("message").unwrap_or_default().replace("\r\n", "\n");
    let body = match MessageText::parse(&typed) {
        Ok(body) => body,
        Err(error) => return Ok(Outcome::bad(format!("{} {error}.", text("staff-message")))),
    };
    let key = Sha256::new().chain_update(form.as_bytes()).chain_update(body.as_str()).finalize();
    let author = Author::Staff(acting.me.actor());
    let message = NewMessage { order, author: &author, key: Some(key.into()), text: &body };
    match app.live.write(&message, acting.now()).await {
        Ok(_) => Ok(Outcome::good(text("staff-message-is-sent"))),
        Err(MessageError::Database(error)) => Err(Problem::from(error).into()),
        Err(error) => Ok(Outcome::bad(error.to_string())),
    }
}
