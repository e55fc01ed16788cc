//! Items as people read them.

use crate::cli::table::table;
use chrono::{DateTime, Utc};
use consumers::ledger::State;
use consumers::parked::{Detail, Filter, Parked};
use serde_json::Value;
use std::fmt::Write;

pub(super) fn list(items: &[Parked], filter: &Filter) -> String {
    if items.is_empty() {
        let none = if filter.is_empty() { "Nothing is parked.\n" } else { "Nothing is like that.\n" };
        return none.to_owned();
    }
    let waits = filter.is_of_waiting();
    let rows: Vec<[String; 8]> = items
        .iter()
        .map(|item| {
            [
                item.id.to_string(),
                item.state.as_str().to_owned(),
                item.consumer.clone(),
                item.event_type.clone(),
                format!("{} {}", item.aggregate_type, item.aggregate_id),
                item.holds.to_string(),
                if waits { next(item) } else { time(item.since) },
                item.reason.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let when = if waits { "NEXT TRY (UTC)" } else { "SINCE (UTC)" };
    table(["ID", "STATE", "CONSUMER", "EVENT", "OF", "HOLDS", when, "REASON"], &rows)
}

/// When it is tried next.
fn next(item: &Parked) -> String {
    match item.next_at {
        Some(at) => time(at),
        None if item.state == State::Waiting => "held".to_owned(),
        None => "-".to_owned(),
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%F %T").to_string()
}

/// All that is known of one: facts, then its attempts, then its event.
pub(super) fn item(detail: &Detail) -> String {
    let item = &detail.item;
    let metadata: Value =
        detail.event.as_ref().and_then(|event| serde_json::from_str(&event.metadata).ok()).unwrap_or_default();
    let meta = |name: &str| metadata[name].as_str().unwrap_or("-").to_owned();
    let record = match (&detail.topic, item.record) {
        (topic, Some((partition, offset))) => {
            format!("partition {partition}, offset {offset} of {}", topic.as_deref().unwrap_or("its topic"))
        }
        _ => "not known: an older program noted it".to_owned(),
    };
    let facts = [
        ("Item", item.id.to_string()),
        ("State", item.state.as_str().to_owned()),
        ("Consumer", item.consumer.clone()),
        ("Reason", item.reason.clone().unwrap_or_default()),
        ("Attempts", format!("{} ({} in all)", item.attempts, detail.tries.max(item.attempts))),
        ("Event", format!("{} {}", item.event_type, item.event_id)),
        ("Position", item.position.to_string()),
        ("Of", format!("{} {}", item.aggregate_type, item.aggregate_id)),
        ("Record", record),
        ("Message-ID", item.message_id.clone().unwrap_or_else(|| "-".to_owned())),
        ("Correlation", meta("correlation_id")),
        ("Traceparent", meta("traceparent")),
        ("Since (UTC)", time(item.since)),
        ("Next try (UTC)", next(item)),
        ("Decided by", detail.decided_by.clone().unwrap_or_else(|| "-".to_owned())),
    ]
    .map(|(name, value)| [name.to_owned(), value]);
    let mut text = table(["", ""], &facts);
    text = text.trim_start_matches('\n').to_owned();
    if !detail.attempts.is_empty() {
        let rows: Vec<[String; 4]> = detail
            .attempts
            .iter()
            .map(|attempt| {
                let state = attempt.state.as_str().to_owned();
                [attempt.number.to_string(), time(attempt.at), state, attempt.answer.clone()]
            })
            .collect();
        let _ = write!(text, "\n{}", table(["ATTEMPT", "AT (UTC)", "BECAME", "ANSWER"], &rows));
    }
    if !detail.held.is_empty() {
        let held = detail.held.iter();
        let rows: Vec<[String; 3]> =
            held.map(|held| [held.id.to_string(), held.event_type.clone(), held.position.to_string()]).collect();
        let _ = write!(text, "\n{}", table(["WAITS", "EVENT", "POSITION"], &rows));
    }
    match &detail.event {
        Some(event) => {
            let _ = write!(text, "\nPayload (version {}):\n{}\n", event.event_version, event.payload);
        }
        None => text.push_str("\nThe log has no such event: `orders parked dead-letters --json` shows its record.\n"),
    }
    text
}
