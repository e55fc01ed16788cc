//! The consumer groups, as whoever runs the system sees them: how far each is, who its members are, and what a person
//! instructs.
//!
//! All of it is read from PostgreSQL and the log, and instructions are written there: whoever asks needs no Kafka.
//! Running members see an instruction within a second, others at their start. Every instruction is written down in the
//! log of what operators did, in its own transaction.
//!
//! - [`lag`]: how far behind the log each partition is. [`pause`]: resting and going on. [`rewind`]: being handed
//!   events again.

pub mod lag;
pub mod pause;
pub mod rewind;

mod rows;
mod tally;

pub use lag::{Lag, Partition};
pub use pause::{Instructed, pause, resume};
pub use rewind::{Confirmed, Preview, Recounted, Rewound, To, instruct, preview, recount, rewind, withdraw_rewind};

use crate::ledger::groups::Declared;
use crate::ledger::open::{self, Open};
use crate::ledger::{LedgerError, due};
use chrono::{DateTime, Utc};
use commands::{Log, LogError, db};
use domain::Position;
use uuid::Uuid;

/// Why a group can't be shown, or not be instructed as asked for.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// There is no such consumer.
    #[error("there is no consumer `{name}`; there are: {known}")]
    NoSuchGroup {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// It was never started, so there is nothing to instruct.
    #[error("the consumer `{0}` was never started: there is nothing to pause or to hand over again")]
    NotStarted(String),
    /// It was not started since its topics are kept.
    #[error(
        "the consumer `{0}` did not run since this program was upgraded: start it once, so that its topics are known"
    )]
    TopicsUnknown(String),
    /// What was confirmed is not what a preview of this consumer says.
    #[error("this is no preview of the consumer `{0}`: ask for one, and confirm that")]
    NoPreview(String),
    /// The log does not reach that far.
    #[error("there is no position {asked}: the last event of the history is at position {head}")]
    BeyondHead {
        /// What was asked for.
        asked: Position,
        /// Where the log ends.
        head: Position,
    },
    /// PostgreSQL is away or refuses.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl GroupError {
    /// That there is no group of that name.
    pub fn no_such_group(name: &str) -> Self {
        Self::NoSuchGroup { name: name.to_owned(), known: crate::NAMES.join(", ") }
    }
}

impl From<sqlx::Error> for GroupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl From<LogError> for GroupError {
    fn from(error: LogError) -> Self {
        Self::Ledger(error.into())
    }
}

/// How a group is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupState {
    /// It was never started.
    NotStarted,
    /// A person has paused it.
    Paused,
    /// Some member is at work.
    Running,
    /// There are members, and none is at work.
    Failing,
    /// There is no member.
    NoMembers,
}

impl GroupState {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Paused => "paused",
            Self::Running => "running",
            Self::Failing => "failing",
            Self::NoMembers => "no_members",
        }
    }
}

/// Who paused a group, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A running program that is a member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Names this run of the program.
    pub id: Uuid,
    /// Host and process id.
    pub instance: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it was heard of last.
    pub seen_at: DateTime<Utc>,
    /// Its state: starting, running, paused, retrying, stopped.
    pub state: String,
    /// Why it is in that state.
    pub detail: Option<String>,
    /// The partitions that it holds, by topic.
    pub holds: Vec<(String, i32)>,
}

/// What a group is to be handed again, and was not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewinding {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Behind this position.
    pub position: Position,
}

/// A consumer group.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// When it was looked at, by the clock of the database, as all times here.
    pub at: DateTime<Utc>,
    /// How it is doing.
    pub state: GroupState,
    /// Events up to here came before its time; `None` before its first start.
    pub started_after: Option<Position>,
    /// Who paused it, if somebody did.
    pub paused: Option<Paused>,
    /// Who its members are.
    pub members: Vec<Member>,
    /// How far it is in each partition.
    pub partitions: Vec<Partition>,
    /// How far it is behind in all.
    pub lag: Lag,
    /// Where it is to go back.
    pub rewinding: Vec<Rewinding>,
    /// How many effects need a person: they are parked.
    pub parked: u64,
    /// How many effects need a person: their outcome is unknown.
    pub unknown: u64,
    /// How many effects wait for their time, or for an earlier one.
    pub waiting: u64,
    /// Whether these three are the exact numbers; else at least so many are open. At most 100,000 that wait are
    /// counted, and as many that need a person, of all groups together.
    pub counts_are_exact: bool,
    /// The one of them whose turn it is, if its time has come: nobody has begun it yet.
    pub due: Option<Due>,
    /// What the latest attempt at an effect came to that is to be made again: a mail server is away, say. `None` where
    /// nothing failed for now.
    pub last_error: Option<String>,
}

impl Group {
    /// One of the numbers of its open effects, as people read it.
    pub fn counted(&self, effects: u64) -> String {
        if self.counts_are_exact { effects.to_string() } else { format!("≥ {effects}") }
    }
}

/// An effect whose time has come, and that nothing holds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The ledger's entry.
    pub entry: i64,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// All registered groups, as they are now.
pub async fn list(log: &Log) -> Result<Vec<Group>, GroupError> {
    let open = open::count(log.pool(), crate::NAMES).await?;
    let mut groups = Vec::new();
    for declared in crate::declared() {
        let open = open.get(declared.name).copied().unwrap_or(Open::NONE);
        groups.push(load(log, &declared, open).await?);
    }
    Ok(groups)
}

/// The group of that name, as it is now.
pub async fn get(log: &Log, name: &str) -> Result<Group, GroupError> {
    let declared = declared(name)?;
    let open = open::count(log.pool(), &[declared.name]).await?.get(declared.name).copied();
    load(log, &declared, open.unwrap_or(Open::NONE)).await
}

/// The consumer of that name.
pub(crate) fn declared(name: &str) -> Result<Declared, GroupError> {
    let found = crate::declared().into_iter().find(|declared| declared.name == name);
    found.ok_or_else(|| GroupError::no_such_group(name))
}

async fn load(log: &Log, declared: &Declared, open: Open) -> Result<Group, GroupError> {
    let pool = log.pool();
    let known = rows::known(pool, declared.name).await?;
    let members = rows::members(pool, declared.name).await?;
    // Whoever asks may have a clock that goes wrong.
    let at = db::now(pool).await?;
    let partitions = match &known {
        Some(known) => lag::partitions(log, declared, known, &members, at).await?,
        None => Vec::new(),
    };
    let due = due::first_due(pool, declared.name).await?;
    let paused = known.as_ref().and_then(|known| known.paused.clone());
    Ok(Group {
        name: declared.name,
        at,
        state: state(known.is_some(), paused.is_some(), &members),
        started_after: known.map(|known| known.started_after),
        paused,
        lag: Lag::sum(&partitions),
        members,
        partitions,
        rewinding: rows::rewinding(pool, declared.name).await?,
        parked: open.parked,
        unknown: open.unknown,
        waiting: open.waiting,
        counts_are_exact: open.is_exact,
        due: due.map(|(entry, since)| Due { entry, since }),
        last_error: open::last_error(pool, declared.name).await?,
    })
}

fn state(is_known: bool, is_paused: bool, members: &[Member]) -> GroupState {
    if !is_known {
        GroupState::NotStarted
    } else if is_paused {
        GroupState::Paused
    } else if members.is_empty() {
        GroupState::NoMembers
    } else if members.iter().any(|member| is_at_work(&member.state)) {
        GroupState::Running
    } else {
        GroupState::Failing
    }
}

/// Whether a member of a group that is not paused is at work. One that says that it rests has not heard yet that it
/// goes on.
fn is_at_work(state: &str) -> bool {
    matches!(state, "running" | "paused")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(state: &str) -> Member {
        Member {
            id: Uuid::nil(),
            instance: "host/1".to_owned(),
            started_at: DateTime::UNIX_EPOCH,
            seen_at: DateTime::UNIX_EPOCH,
            state: state.to_owned(),
            detail: None,
            holds: Vec::new(),
        }
    }

    #[test]
    fn a_group_that_was_resumed_just_now_does_not_fail() {
        let of = |is_paused, states: &[&str]| {
            let members: Vec<Member> = states.iter().map(|state| member(state)).collect();
            state(true, is_paused, &members)
        };
        assert_eq!(of(true, &["paused"]), GroupState::Paused);
        assert_eq!(of(false, &["paused"]), GroupState::Running, "its member has not said yet that it goes on");
        assert_eq!(of(false, &["retrying", "running"]), GroupState::Running);
        assert_eq!(of(false, &["retrying", "starting"]), GroupState::Failing);
        assert_eq!(of(false, &[]), GroupState::NoMembers);
    }
}
