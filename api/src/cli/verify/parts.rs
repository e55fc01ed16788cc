//! The checks, each with what it comes to in the report. A check that fails leaves the others alone.

use super::Part;
use super::kafka::Kafka;
use super::report::{Check, Outcome, events, several};
use super::silence::while_answering;
use crate::roles::{Core, Failure};
use commands::verify::{LogChecked, Watch, check_log};
use consumers::ledger::State;
use consumers::verify::{LedgerChecked, Reach, RelayChecked, TopicChecked, check_ledgers, check_topics};
use domain::Position;
use indicatif::HumanCount;
use projections::Views;
use projections::verify::{Scratch, VerifyError, ViewChecked, ViewOutcome, verify_view};
use serde_json::{Value, json};
use std::fmt::Display;
use tokio_util::sync::CancellationToken;

/// What the check of the relay is called.
pub(super) const RELAY: &str = "relay";

pub(super) async fn log(core: &Core, up_to: Position, watch: &mut Watch<'_>) -> Result<Vec<Check>, Failure> {
    let stop = watch.cancel;
    Ok(vec![match caught(core, stop, check_log(&core.log, up_to, watch)).await? {
        Ok(checked) => of_log(&checked),
        Err(why) => Check::failed(Part::Log, "log", why),
    }])
}

fn of_log(checked: &LogChecked) -> Check {
    let LogChecked { events, orders, products, categories, newsletters, .. } = *checked;
    let counts = format!(
        "{}, {}, {}, {}, {}",
        self::events(events),
        several(orders, "order", "orders"),
        several(products, "product", "products"),
        several(categories, "category", "categories"),
        several(newsletters, "newsletter", "newsletters")
    );
    let text = match checked.differences.count() {
        0 => format!("{counts}: dense, readable, and loaded alike by postgres-es"),
        _ => counts,
    };
    let facts = json!({
        "events": events, "orders": orders, "products": products, "categories": categories, "newsletters": newsletters,
    });
    Check::done(Part::Log, "log", text, facts, &checked.differences)
}

pub(super) async fn views(core: &Core, watch: &mut Watch<'_>) -> Result<Vec<Check>, Failure> {
    let (stop, mut checks) = (watch.cancel, Vec::new());
    for name in Views::names() {
        checks.push(match caught(core, stop, view(core, name, watch)).await? {
            Ok(outcome) => of_view(name, &outcome),
            Err(why) => Check::failed(Part::Views, name, why),
        });
    }
    Ok(checks)
}

async fn view(core: &Core, name: &str, watch: &mut Watch<'_>) -> Result<ViewOutcome, VerifyError> {
    let mut scratch = Scratch::open(core.pool()).await?;
    let outcome = verify_view(&core.log, &mut scratch, name, watch).await;
    if let Err(error) = scratch.close().await {
        tracing::warn!(%error, "what was made beside the views stays until the next verification");
    }
    outcome
}

fn of_view(name: &str, outcome: &ViewOutcome) -> Check {
    let checked = match outcome {
        ViewOutcome::Checked(checked) => checked,
        ViewOutcome::NotBuilt => return Check::nothing(Part::Views, name, "it was never built"),
        ViewOutcome::OtherVersion { served, own } => {
            let why = format!("version {served} serves, this program makes version {own}: verify with that program");
            return Check::failed(Part::Views, name, why);
        }
    };
    let ViewChecked { schema, version, position, head, rows, stopped, .. } = checked;
    let mut text = format!("{} at position {}", several(*rows, "row", "rows"), HumanCount(position.0));
    if checked.differences.count() == 0 {
        text += ", as a rebuild has them";
    }
    text += &behind(*position, *head);
    if let Some(reason) = stopped {
        text += &format!("; it has stopped: {reason}");
    }
    let facts = json!({
        "schema": schema, "version": version, "position": position, "head": head, "rows": rows, "stopped": stopped,
    });
    Check::done(Part::Views, name, text, facts, &checked.differences)
}

pub(super) async fn topics(core: &Core, kafka: &Kafka, watch: &mut Watch<'_>) -> Result<Vec<Check>, Failure> {
    let settings = match kafka {
        Kafka::There(settings) => settings,
        Kafka::Ended(_) => {
            let why = "the Kafka inside the program holds nothing while that does not run";
            return Ok(vec![Check::nothing(Part::Topics, "Kafka", why)]);
        }
        Kafka::Unknown(_, why) => return Ok(vec![Check::failed(Part::Topics, "Kafka", why)]),
    };
    let stop = watch.cancel;
    Ok(match caught(core, stop, check_topics(&core.log, settings, watch)).await? {
        Ok(checked) => {
            let topics = checked.topics.iter().map(|topic| of_topic(topic, settings.embedded));
            std::iter::once(of_relay(&checked.relay)).chain(topics).collect()
        }
        Err(why) => vec![Check::failed(Part::Topics, "Kafka", why)],
    })
}

fn of_relay(checked: &RelayChecked) -> Check {
    let RelayChecked { published, head, .. } = checked;
    let text = format!("published up to position {}{}", HumanCount(published.0), behind(*published, *head));
    let facts = json!({ "position": published, "head": head });
    Check::done(Part::Topics, RELAY, text, facts, &checked.differences)
}

fn of_topic(checked: &TopicChecked, is_embedded: bool) -> Check {
    let TopicChecked { partitions, records, first, last, repeated, no_longer_held, .. } = *checked;
    let mut text = format!(
        "{} in {}",
        several(records, "record", "records"),
        several(partitions as u64, "partition", "partitions")
    );
    if last > Position::ORIGIN {
        text += &format!(", positions {} to {}", HumanCount(first.0), HumanCount(last.0));
    }
    if checked.differences.count() == 0 && records > 0 {
        text += if is_embedded { ": each event, in order" } else { ": each event once and in order" };
    }
    if repeated > 0 && is_embedded {
        text += &format!("; {} again", several(repeated, "is there", "are there"));
    }
    if no_longer_held > 0 {
        text += &format!("; {} older not held", several(no_longer_held, "event is", "events are"));
    }
    let facts = json!({
        "partitions": partitions, "records": records, "first_position": first, "last_position": last,
        "repeated": repeated, "no_longer_held": no_longer_held,
    });
    Check::done(Part::Topics, &checked.topic, text, facts, &checked.differences)
}

pub(super) async fn mails(
    core: &Core,
    kafka: &Kafka,
    relay_is_told: bool,
    watch: &mut Watch<'_>,
) -> Result<Vec<Check>, Failure> {
    let (settings, names) = match kafka {
        Kafka::There(settings) => (Some(settings), settings),
        Kafka::Ended(names) | Kafka::Unknown(names, _) => (None, names),
    };
    let stop = watch.cancel;
    let check = check_ledgers(&core.log, settings, names, relay_is_told, watch);
    Ok(match caught(core, stop, check).await? {
        Ok(checked) => checked.iter().map(of_ledger).collect(),
        Err(why) => consumers::NAMES.iter().map(|name| Check::failed(Part::Mails, name, &why)).collect(),
    })
}

fn of_ledger(checked: &LedgerChecked) -> Check {
    if !checked.started {
        return Check::nothing(Part::Mails, checked.consumer, "it was never started");
    }
    if checked.foreign_kafka && checked.differences.count() == 0 {
        let why =
            "how far it is can't be told: Kafka and the log do not belong together, as the check of the relay says";
        return Check::failed(Part::Mails, checked.consumer, why);
    }
    let states: Vec<String> = checked.states.iter().filter(|(_, count)| *count > 0).map(state_text).collect();
    let mut text = format!("{} called for", several(checked.calls, "effect", "effects"));
    if checked.differences.count() == 0 && checked.calls > 0 {
        text += ", each with its entry";
    }
    if !states.is_empty() {
        text += &format!(": {}", states.join(", "));
    }
    if checked.to_come > 0 {
        text += &format!("; {} more to come", HumanCount(checked.to_come));
    }
    let by_state: serde_json::Map<String, Value> =
        checked.states.iter().map(|(state, count)| (state.as_str().to_owned(), json!(count))).collect();
    let reach = match checked.reach {
        Reach::CommittedOffsets => "committed_offsets",
        Reach::NotedProgress => "noted_progress",
    };
    let facts = json!({ "calls": checked.calls, "to_come": checked.to_come, "reach_by": reach, "states": by_state });
    Check::done(Part::Mails, checked.consumer, text, facts, &checked.differences)
}

fn state_text((state, count): &(State, u64)) -> String {
    format!("{} {}", HumanCount(*count), state.as_str())
}

fn behind(position: Position, head: Position) -> String {
    match head.0.saturating_sub(position.0) {
        0 => String::new(),
        behind => format!("; {} behind", events(behind)),
    }
}

/// What a check comes to, or why it fails; being told to stop ends all of them.
async fn caught<T, E: Display>(
    core: &Core,
    stop: &CancellationToken,
    check: impl Future<Output = Result<T, E>>,
) -> Outcome<T> {
    let ask = async || core.log.head().await.map(|_head| ());
    match while_answering(check, ask).await {
        Ok(Err(_)) | Err(_) if stop.is_cancelled() => Err(Failure::new("stopped before the end: nothing is proven")),
        Ok(outcome) => Ok(outcome.map_err(|error| error.to_string())),
        Err(silent) => Ok(Err(silent)),
    }
}
