//! What became of an order's mails, and sending them once more.

use crate::admin::acting::Outcome;
use crate::admin::texts::text;
use crate::http::App;
use crate::problem::{Problem, within};
use crate::shop::Fault;
use chrono::{DateTime, Utc};
use commands::StoredEvent;
use consumers::Consumer;
use consumers::ledger::{self, State};
use consumers::order_mail::OrderMail;
use consumers::order_mail::again::{self, Which};
use domain::ids::{EventId, OrderId};
use domain::order::{EmailCorrected, OrderPaid, OrderPlaced};
use std::sync::Arc;

/// A mail that an event calls for.
pub(super) struct Mail {
    /// By which it is decided on.
    pub(super) id: i64,
    /// What it is.
    pub(super) name: String,
    /// The class of its state, and its words.
    pub(super) state: (&'static str, String),
    pub(super) reason: Option<String>,
    pub(super) at: DateTime<Utc>,
    /// Whether a person has to say what becomes of it.
    pub(super) open: bool,
}

/// The mails that these events of an order call for, as far as they were noted.
pub(super) async fn of(app: &App, events: &[Arc<StoredEvent>]) -> Result<Vec<Mail>, Fault> {
    let called_for = |event: &&Arc<StoredEvent>| name(&event.event_type).is_some();
    let ids: Vec<EventId> = events.iter().filter(called_for).map(|event| event.event_id).collect();
    let effects = within(ledger::effects_of(app.log.pool(), OrderMail::NAME, &ids)).await?;
    let named = |id: EventId| {
        let event = events.iter().find(|event| event.event_id == id);
        event.and_then(|event| name(&event.event_type)).map(text).unwrap_or_default()
    };
    let mail = |effect: ledger::Effect| Mail {
        id: effect.id,
        name: named(effect.event),
        state: shown(effect.state),
        reason: effect.reason,
        at: effect.changed_at,
        open: matches!(effect.state, State::Parked | State::Unknown),
    };
    Ok(effects.into_iter().map(mail).collect())
}

fn name(event_type: &str) -> Option<&'static str> {
    match event_type {
        OrderPlaced::TYPE => Some("staff-mail-confirmation"),
        EmailCorrected::TYPE => Some("staff-mail-confirmation-anew"),
        OrderPaid::TYPE => Some("staff-mail-receipt"),
        _ => None,
    }
}

fn shown(state: State) -> (&'static str, String) {
    let class = match state {
        State::Sent => "good",
        State::Claimed | State::Sending | State::Waiting | State::Unknown => "warn",
        State::Parked => "bad",
        State::Discarded => "soft",
    };
    (class, text(&format!("staff-mail-is-{}", state.as_str())))
}

/// Has one of the mails sent once more.
pub(super) async fn again(app: &App, order: OrderId, which: Which, is_paid: bool) -> Result<Outcome, Fault> {
    if which == Which::Receipt && !is_paid {
        return Ok(Outcome::bad(text("staff-mail-not-paid")));
    }
    let is_asked = again::ask(app.members.schedule(), order, which).await.map_err(Problem::from)?;
    Ok(if is_asked { Outcome::good(text("staff-mail-on-its-way")) } else { Outcome::warn(text("staff-mail-just-now")) })
}
