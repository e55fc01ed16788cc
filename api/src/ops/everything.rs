//! Each reader that there is: as this process runs it, else as PostgreSQL knows it, whichever process wrote that.

use super::reader::{Look, ReaderId};
use super::status::{OpenEffects, ReaderKind, ReaderState};
use super::{Monitor, groups};
use commands::LogError;
use consumers::groups::{Group, GroupError, Lag};
use consumers::ledger::{self, ConsumerOverview, LedgerError};
use consumers::relay;
use domain::Position;
use projections::{ObservedView, Views};
use std::sync::Arc;

/// What PostgreSQL knows.
pub(super) struct Stored {
    views: Vec<ObservedView>,
    consumers: Vec<ConsumerOverview>,
    relay: Option<Position>,
    groups: Arc<Vec<Group>>,
}

impl Stored {
    /// Reads it.
    pub(super) async fn read(monitor: &Monitor) -> Result<Self, LogError> {
        let pool = monitor.log().pool();
        Ok(Self {
            views: projections::observe(pool).await?,
            consumers: ledger::overview(pool).await.map_err(of_ledger)?,
            relay: relay::noted(pool).await?,
            groups: monitor.groups().await.map_err(of_group)?,
        })
    }

    /// What a consumer has open; `None` of one that never ran.
    pub(super) fn open(&self, name: &str) -> Option<OpenEffects> {
        let group = self.groups.iter().find(|group| group.name == name && group.started_after.is_some())?;
        let Group { waiting, parked, unknown, counts_are_exact: is_exact, .. } = *group;
        Some(OpenEffects { waiting, parked, unknown, is_exact })
    }

    /// What the effects of a consumer fail for, if they do.
    fn last_error(&self, name: &str) -> Option<String> {
        self.groups.iter().find(|group| group.name == name)?.last_error.clone()
    }

    /// How far a consumer is in any partition.
    fn noted(&self, name: &str) -> Option<Position> {
        self.consumers.iter().find(|consumer| consumer.consumer == name).map(|consumer| consumer.position)
    }
}

/// All of them: views, the relay, consumers. The log ends at `head`.
pub(super) fn everything(here: &[Look], stored: &Stored, head: Position) -> Vec<Look> {
    let known = |id: ReaderId| here.iter().find(|look| look.id == id).cloned().unwrap_or_else(|| elsewhere(id));
    let views = Views::names().map(|name| {
        let look = known(ReaderId { kind: ReaderKind::Projection, name });
        let view = stored.views.iter().find(|view| view.name == name);
        let error = look.error.clone().or_else(|| view.and_then(|view| view.error.clone()));
        Look { error, ..placed(look, view.map(|view| view.position), head) }
    });
    let relay = known(ReaderId { kind: ReaderKind::Relay, name: relay::RELAY });
    let relay = placed(relay, stored.relay, head);
    let consumers = consumers::NAMES.iter().copied().map(|name| {
        let look = known(ReaderId { kind: ReaderKind::Consumer, name });
        // One that has just begun has heard nothing of Kafka; what it noted in earlier runs counts.
        let noted = stored.noted(name);
        let progress = match look.state {
            ReaderState::Elsewhere => along(groups::lag_of(&stored.groups, name), head),
            _ => look.progress,
        };
        // That its effects fail keeps it from nothing else, so it tells nothing of that.
        let error = look.error.clone().or_else(|| stored.last_error(name));
        let look = Look { position: look.position.max(noted), progress, error, ..look };
        match groups::lag_of(&stored.groups, name) {
            Some(lag) => look.behind(lag),
            None => look,
        }
    });
    views.chain([relay]).chain(consumers).collect()
}

/// How far along the log a consumer is that runs elsewhere, by what it is behind: a position would be that of one
/// partition, and offsets count Kafka's own markers.
fn along(lag: Option<Lag>, head: Position) -> u64 {
    lag.map_or(0, |lag| head.0.saturating_sub(lag.events))
}

/// What is known of a reader that does not run here: nothing yet.
fn elsewhere(id: ReaderId) -> Look {
    Look {
        id,
        state: ReaderState::Elsewhere,
        position: None,
        lag_events: None,
        waits_s: None,
        progress: 0,
        time_left_s: None,
        error: None,
    }
}

/// One that goes through every event, with how far it is by what was stored, where it tells nothing of it here.
fn placed(look: Look, stored: Option<Position>, head: Position) -> Look {
    match stored {
        Some(position) if look.position.is_none() => Look {
            position: Some(position),
            lag_events: Some(head.0.saturating_sub(position.0)),
            progress: position.0,
            ..look
        },
        _ => look,
    }
}

fn of_group(error: GroupError) -> LogError {
    match error {
        GroupError::Ledger(error) => of_ledger(error),
        // Names come from the registry.
        error => sqlx::Error::Protocol(error.to_string()).into(),
    }
}

fn of_ledger(error: LedgerError) -> LogError {
    match error {
        LedgerError::Log(error) => error,
        LedgerError::Sql(error) => error.into(),
        LedgerError::Closed => sqlx::Error::PoolClosed.into(),
    }
}
