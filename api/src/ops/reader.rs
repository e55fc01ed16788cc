//! What this process runs that follows the log, looked at without I/O.

use super::status::{ReaderKind, ReaderState};
use consumers::groups::Lag;
use domain::Position;
use std::fmt;
use tokio::sync::watch;

/// A reader that this process runs.
#[derive(Clone)]
pub struct Reader {
    name: &'static str,
    told: Told,
}

/// On what a reader tells how it is.
#[derive(Clone)]
enum Told {
    View(watch::Receiver<projections::ReaderStatus>),
    Kafka(ReaderKind, watch::Receiver<consumers::ReaderStatus>),
}

/// How a reader is at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Which reader.
    pub id: ReaderId,
    /// What it is doing.
    pub state: ReaderState,
    /// The last event that it is done with; unknown to a process that stands by.
    pub position: Option<Position>,
    /// How many events wait for it.
    pub lag_events: Option<u64>,
    /// For how many seconds the first of them has waited, where that was found out together with their number.
    pub waits_s: Option<f64>,
    /// Grows with whatever it does, also while a view is built.
    pub progress: u64,
    /// How many seconds it takes to come to its end, where it knows.
    pub time_left_s: Option<f64>,
    /// Why it stands or tries again.
    pub error: Option<String>,
}

/// Which reader: its kind and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId {
    /// What it is.
    pub kind: ReaderKind,
    /// Its name.
    pub name: &'static str,
}

impl Look {
    /// The same of a consumer whose group is so far behind.
    pub fn behind(self, lag: Lag) -> Self {
        Self { lag_events: Some(lag.events), waits_s: Some(lag.seconds), ..self }
    }
}

impl fmt::Display for ReaderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ReaderKind::Projection => write!(f, "projection {}", self.name),
            ReaderKind::Relay => f.write_str(self.name),
            ReaderKind::Consumer => write!(f, "consumer {}", self.name),
        }
    }
}

impl Reader {
    /// A view.
    pub fn view(name: &'static str, status: watch::Receiver<projections::ReaderStatus>) -> Self {
        Self { name, told: Told::View(status) }
    }

    /// The relay.
    pub fn relay(status: watch::Receiver<consumers::ReaderStatus>) -> Self {
        Self { name: consumers::relay::RELAY, told: Told::Kafka(ReaderKind::Relay, status) }
    }

    /// A consumer.
    pub fn consumer(name: &'static str, status: watch::Receiver<consumers::ReaderStatus>) -> Self {
        Self { name, told: Told::Kafka(ReaderKind::Consumer, status) }
    }

    /// What it is.
    pub fn kind(&self) -> ReaderKind {
        match self.told {
            Told::View(_) => ReaderKind::Projection,
            Told::Kafka(kind, _) => kind,
        }
    }

    /// How it is, where the log ends at `head`. How far a consumer is behind is found out elsewhere, see
    /// [`Look::behind`].
    pub fn look(&self, head: Position) -> Look {
        match &self.told {
            Told::View(status) => view(self.name, &status.borrow(), head),
            Told::Kafka(kind, status) => of_kafka(*kind, self.name, &status.borrow(), head),
        }
    }
}

fn view(name: &'static str, status: &projections::ReaderStatus, head: Position) -> Look {
    use projections::ReaderState as Told;
    let position = status.position;
    let look = Look {
        id: ReaderId { kind: ReaderKind::Projection, name },
        state: ReaderState::Running,
        position: Some(position),
        lag_events: Some(head.0.saturating_sub(position.0)),
        waits_s: None,
        progress: position.0,
        time_left_s: None,
        error: None,
    };
    match &status.state {
        Told::Running => look,
        // It is another version that serves, and other programs that are behind or not.
        Told::AwaitsPromotion(reason) => {
            Look { state: ReaderState::Stopped, lag_events: None, position: None, error: Some(reason.clone()), ..look }
        }
        Told::Elsewhere => Look { state: ReaderState::Starting, lag_events: None, position: None, ..look },
        Told::Standby => Look { state: ReaderState::Standby, lag_events: None, position: None, ..look },
        Told::Building(built) => Look {
            state: ReaderState::Building,
            lag_events: Some(built.total_events.saturating_sub(built.done_events)),
            position: Some(Position(built.done_events)),
            progress: built.done_events,
            time_left_s: built.left.map(|left| left.as_secs_f64()),
            ..look
        },
        Told::Retrying(reason) => Look { state: ReaderState::Retrying, error: Some(reason.clone()), ..look },
        Told::Stopped(reason) => Look { state: ReaderState::Stopped, error: Some(reason.clone()), ..look },
    }
}

fn of_kafka(kind: ReaderKind, name: &'static str, status: &consumers::ReaderStatus, head: Position) -> Look {
    use consumers::ReaderState as Told;
    let is_relay = kind == ReaderKind::Relay;
    let look = Look {
        id: ReaderId { kind, name },
        state: ReaderState::Running,
        position: Some(status.position),
        // A consumer does not get each event, and each partition is at a place of its own.
        lag_events: is_relay.then(|| head.0.saturating_sub(status.position.0)),
        waits_s: None,
        progress: if is_relay { status.position.0 } else { status.taken_records },
        time_left_s: None,
        error: None,
    };
    match &status.state {
        Told::Running => look,
        // How far Kafka is, nobody has heard yet.
        Told::Starting if status.position == Position::ORIGIN => {
            Look { state: ReaderState::Starting, position: None, lag_events: None, ..look }
        }
        Told::Starting => Look { state: ReaderState::Starting, ..look },
        Told::Standby => Look { state: ReaderState::Standby, position: None, lag_events: None, ..look },
        Told::Paused(reason) => Look { state: ReaderState::Paused, error: Some(reason.clone()), ..look },
        Told::Retrying(reason) => Look { state: ReaderState::Retrying, error: Some(reason.clone()), ..look },
        Told::Stopped(reason) => Look { state: ReaderState::Stopped, error: Some(reason.clone()), ..look },
    }
}
