//! Puts together how the system is: what this process knows of itself, and what PostgreSQL knows of all others.

use super::Monitor;
use super::everything::{Stored, everything};
use super::history::Rates;
use super::reader::{Look, ReaderId};
use super::status::{Instance, LogStatus, ReaderKind, ReaderState, ReaderStatus, Stalled, Status};
use super::tasks;
use chrono::{DateTime, SecondsFormat, Utc};
use commands::{Log, LogError, LogIdentity, db, instances};
use domain::Position;
use std::collections::HashMap;
use std::process;

/// For how many seconds the first event has waited that each of these readers has not gone through; 0 where none waits.
/// Nothing of a view that is being built: what it goes through is history, and nobody waits for that.
pub(super) async fn lag_s(log: &Log, looks: &[Look]) -> Result<HashMap<ReaderId, f64>, LogError> {
    let looks: Vec<&Look> = looks.iter().filter(|look| look.state != ReaderState::Building).collect();
    let is_asked = |look: &Look| look.lag_events > Some(0) && look.waits_s.is_none();
    let next = |look: &Look| look.position.filter(|_| is_asked(look)).map(|at| Position(at.0 + 1));
    let wanted: Vec<Position> = looks.iter().copied().filter_map(next).collect();
    // Both by the clock of the database: that of this process may go wrong, and would page somebody, or nobody.
    let (recorded, now) = if wanted.is_empty() {
        (HashMap::new(), DateTime::UNIX_EPOCH)
    } else {
        (log.recorded_at(&wanted).await?, db::now(log.pool()).await?)
    };
    let lag = looks.iter().filter(|look| look.lag_events.is_some()).map(|look| {
        let since = next(look).and_then(|next| recorded.get(&next));
        (look.id, look.waits_s.unwrap_or_else(|| since.map_or(0.0, |since| seconds_between(*since, now))))
    });
    Ok(lag.collect())
}

pub(super) async fn status(monitor: &Monitor) -> Result<Status, LogError> {
    let (log, now) = (monitor.log(), Utc::now());
    let head = log.head().await?;
    let head_recorded_at = log.recorded_at(&[head]).await?.remove(&head);
    let tasks = tasks::find(monitor.schedule(), &monitor.tasks()).await?;
    let (looks, rates) = monitor.here(head);
    let stored = Stored::read(monitor).await?;
    let stalled = monitor.stalled();
    let looks: Vec<Look> = everything(&looks, &stored, head);
    let lag_s = lag_s(log, &looks).await?;
    let readers = looks.into_iter().map(|look| reader(look, &stored, &rates, &lag_s, &stalled)).collect();
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instance: instance(monitor),
        at: text(now),
        log: log_status(log.identity(), head, head_recorded_at, &rates),
        commands: rates.commands,
        readers,
        tasks,
        stalled,
    })
}

fn reader(
    look: Look,
    stored: &Stored,
    rates: &Rates,
    lag_s: &HashMap<ReaderId, f64>,
    stalled: &[Stalled],
) -> ReaderStatus {
    let (id, rate) = (look.id, rates.of(look.id));
    let gains = rate.map(|rate| rate - rates.events_per_s.unwrap_or(0.0)).filter(|gains| *gains > 0.0);
    let left = look.lag_events.filter(|lag| *lag > 0).zip(gains).map(|(lag, gains)| lag as f64 / gains);
    let open = stored.open(id.name).filter(|_| id.kind == ReaderKind::Consumer);
    let name = id.to_string();
    ReaderStatus {
        kind: id.kind,
        name: id.name.to_owned(),
        state: look.state,
        position: look.position.map(|position| position.0),
        lag_events: look.lag_events,
        lag_s: lag_s.get(&id).copied(),
        events_per_s: rate,
        time_left_s: look.time_left_s.or(left),
        last_error: look.error,
        stalled: stalled.iter().any(|stalled| stalled.reader == name),
        open,
    }
}

fn instance(monitor: &Monitor) -> Instance {
    let (started_at, up) = monitor.started();
    Instance { host: instances::host(), pid: process::id(), started_at: text(started_at), uptime_s: up.as_secs() }
}

fn log_status(identity: LogIdentity, head: Position, at: Option<DateTime<Utc>>, rates: &Rates) -> LogStatus {
    LogStatus {
        log_id: identity.log_id.to_string(),
        epoch: identity.epoch,
        head: head.0,
        recorded_at: at.map(text),
        events_per_s: rates.events_per_s,
    }
}

pub(super) fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).to_std().map_or(0.0, |lag| lag.as_secs_f64())
}

pub(super) fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
