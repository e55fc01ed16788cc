//! What happened to an order, in words, with who did it and the event as it is stored.

use crate::admin::AdminPage;
use crate::admin::texts::text_with;
use crate::app::App;
use crate::order_history::{conflict, words};
use crate::problem::within;
use crate::shop::Fault;
use chrono::{DateTime, Utc};
use commands::{StoredEvent, staff};
use domain::order::OrderEvent;
use domain::{Event, Money};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Something that happened.
pub(super) struct Happened {
    pub(super) at: DateTime<Utc>,
    /// The class of its mark.
    pub(super) kind: &'static str,
    pub(super) words: String,
    pub(super) who: String,
    /// Its type, version and position, and what it holds.
    pub(super) name: String,
    pub(super) raw: String,
}

/// A payment, as it was recorded or flagged.
pub(super) struct Payment {
    pub(super) at: DateTime<Utc>,
    pub(super) reference: String,
    pub(super) amount: String,
    /// Why it does not fit, if it does not.
    pub(super) conflict: Option<String>,
    pub(super) who: String,
}

/// The history of an order.
#[derive(Default)]
pub(super) struct History {
    pub(super) happened: Vec<Happened>,
    pub(super) payments: Vec<Payment>,
}

/// Reads the events of an order; the newest first.
pub(super) async fn of(app: &App, page: &AdminPage, events: &[Arc<StoredEvent>]) -> Result<History, Fault> {
    let mut actors = Vec::new();
    for stored in events {
        let recorded = stored.recorded().map_err(|error| {
            tracing::error!(%error, "an order's history can't be shown");
            Fault::Internal
        })?;
        actors.extend(staff::of_actor(&recorded.metadata.actor));
    }
    actors.sort_unstable();
    actors.dedup();
    let names = within(staff::names(app.log.pool(), &actors)).await?;
    let mut history = History::default();
    for stored in events {
        history.take(stored, page, &names);
    }
    history.happened.reverse();
    Ok(history)
}

impl History {
    fn take(&mut self, stored: &StoredEvent, page: &AdminPage, names: &HashMap<Uuid, String>) {
        let Ok(recorded) = stored.recorded() else { return };
        let Event::Order(event) = &recorded.event else { return };
        let (at, who) = (recorded.metadata.occurred_at, who(&recorded.metadata.actor, names));
        self.happened.push(Happened {
            at,
            kind: mark(event),
            words: words(event),
            who: who.clone(),
            name: format!("{} {} · {}", stored.event_type, stored.event_version, stored.position),
            raw: pretty(&stored.payload),
        });
        let payment = |reference: String, amount: &Money, conflict| Payment {
            at,
            reference,
            amount: page.money(amount),
            conflict,
            who,
        };
        match event {
            OrderEvent::PaymentRecorded(paid) => {
                self.payments.push(payment(paid.reference.to_string(), &paid.amount, None));
            }
            OrderEvent::PaymentFlagged(flagged) => {
                let why = Some(conflict(flagged.conflict));
                self.payments.push(payment(flagged.reference.to_string(), &flagged.amount, why));
            }
            _ => {}
        }
    }
}

/// The class of its mark.
fn mark(event: &OrderEvent) -> &'static str {
    match event {
        OrderEvent::OrderPlaced(_) => "is-placed",
        OrderEvent::PaymentRecorded(_) | OrderEvent::OrderPaid(_) => "is-paid",
        OrderEvent::PaymentFlagged(_) => "is-bad",
        OrderEvent::ItemAdded(_) | OrderEvent::EmailCorrected(_) => "is-change",
    }
}

/// Who did it, as far as it can be told: somebody of staff by name, a provider, the shop's own pages, or an API key by
/// its id.
fn who(actor: &str, names: &HashMap<Uuid, String>) -> String {
    if let Some(id) = staff::of_actor(actor) {
        return names.get(&id).cloned().unwrap_or_else(|| actor.to_owned());
    }
    match actor.parse::<Uuid>() {
        // As much of it as tells two apart.
        Ok(key) => text_with("staff-by-key", &[("key", format!("…{}", &key.simple().to_string()[24..]).into())]),
        Err(_) => actor.to_owned(),
    }
}

/// With line breaks, for people.
fn pretty(payload: &str) -> String {
    let value: Option<Value> = serde_json::from_str(payload).ok();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| payload.to_owned())
}
