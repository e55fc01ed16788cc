//! What became of an order's mails, and sending them once more.

use crate::admin::acting::Outcome;
use crate::admin::texts::text;
use crate::app::App;
use crate::problem::{Problem, within};
use crate::shop::Fault;
use chrono::{DateTime, Utc};
use commands::StoredEvent;
use commands::schedule::{Job, JobState};
use consumers::Consumer;
use consumers::ledger::{self, State};
use consumers::order_mail::OrderMail;
use consumers::order_mail::again::{self, Which};
use consumers::order_mail::reminder;
use domain::AggregateType;
use domain::ids::{EventId, OrderId};
use domain::order::{EmailCorrected, OrderPaid, OrderPlaced};
use std::sync::Arc;

/// A mail about an order.
pub(super) struct Mail {
    /// By which the ledger knows it; none where the schedule sends it.
    pub(super) entry: Option<i64>,
    /// What it is.
    pub(super) name: String,
    /// The class of its state, and its words.
    pub(super) state: (&'static str, String),
    pub(super) reason: Option<String>,
    pub(super) at: DateTime<Utc>,
    /// Whether a person has to say what becomes of it, in the ledger.
    pub(super) open: bool,
}

/// The mails about an order: those that its events call for, as far as they were noted, and those that were asked for
/// or put in.
pub(super) async fn of(app: &App, order: OrderId, events: &[Arc<StoredEvent>]) -> Result<Vec<Mail>, Fault> {
    let mut mails = called_for(app, events).await?;
    mails.extend(scheduled(app, order).await?);
    Ok(mails)
}

/// The entries of the ledger that are about this order.
pub(super) async fn entries(app: &App, order: OrderId) -> Result<Vec<i64>, Fault> {
    let events = within(app.log.read_stream(AggregateType::Order, &order.to_string(), 1)).await?;
    Ok(called_for(app, &events).await?.iter().filter_map(|mail| mail.entry).collect())
}

async fn called_for(app: &App, events: &[Arc<StoredEvent>]) -> Result<Vec<Mail>, Fault> {
    let called_for = |event: &&Arc<StoredEvent>| name(&event.event_type).is_some();
    let ids: Vec<EventId> = events.iter().filter(called_for).map(|event| event.event_id).collect();
    let effects = within(ledger::effects_of(app.log.pool(), OrderMail::NAME, &ids)).await?;
    let named = |id: EventId| {
        let event = events.iter().find(|event| event.event_id == id);
        event.and_then(|event| name(&event.event_type)).map(text).unwrap_or_default()
    };
    let mail = |effect: ledger::Effect| Mail {
        entry: Some(effect.id),
        name: named(effect.event),
        state: shown(effect.state),
        reason: effect.reason,
        at: effect.changed_at,
        open: matches!(effect.state, State::Parked | State::Unknown),
    };
    Ok(effects.into_iter().map(mail).collect())
}

/// Those that the schedule sends.
async fn scheduled(app: &App, order: OrderId) -> Result<Vec<Mail>, Fault> {
    let schedule = app.members.schedule();
    let mail = |name: &str, state: (&'static str, String), job: Job| Mail {
        entry: None,
        name: text(name),
        state,
        reason: job.last_error.filter(|_| job.state != JobState::Done),
        at: job.last_run_at.unwrap_or(job.created_at),
        open: false,
    };
    let again = within(again::of_order(schedule, order)).await?.into_iter().map(|(which, job)| {
        let name = match which {
            Which::Confirmation => "staff-mail-confirmation-again",
            Which::Receipt => "staff-mail-receipt-again",
        };
        mail(name, shown(state(job.state)), job)
    });
    let reminder = within(reminder::of_order(schedule, order)).await?.map(|job| {
        let is_done = job.state == JobState::Done;
        // It may have been paid by then.
        let shown = if is_done { ("soft", text("staff-mail-is-done")) } else { shown(state(job.state)) };
        mail("staff-mail-reminder", shown, job)
    });
    Ok(again.chain(reminder).collect())
}

/// What a job that sends a mail is in the ledger's words.
fn state(job: JobState) -> State {
    match job {
        JobState::Waiting => State::Waiting,
        JobState::Running => State::Claimed,
        JobState::Sending => State::Sending,
        JobState::Done => State::Sent,
        JobState::Failed => State::Parked,
        JobState::Unknown => State::Unknown,
        JobState::Cancelled => State::Discarded,
    }
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
