//! An item in a table, on the board and on its own page.

use super::super::deed::{Act, Deed};
use super::super::state::State;
use super::path;
use crate::admin::AdminPage;
use crate::admin::texts::text_with;
use chrono::{DateTime, Utc};
use consumers::ledger::State as LedgerState;
use consumers::parked::{Decision, Parked};

/// An item.
pub(in super::super) struct Row {
    pub(in super::super) id: i64,
    pub(in super::super) path: String,
    pub(in super::super) state: State,
    pub(in super::super) consumer: String,
    pub(in super::super) event: String,
    pub(in super::super) of: String,
    pub(in super::super) reason: String,
    pub(in super::super) attempts: u32,
    pub(in super::super) holds: u64,
    /// Since when it is so; of one that waits for its time, when that is.
    pub(in super::super) since: String,
    pub(in super::super) retry: Act,
    /// Nothing for one that waits.
    pub(in super::super) discard: Option<Act>,
}

impl Row {
    /// Whose deeds lead back to `back`, or to the console.
    pub(in super::super) fn of(page: &AdminPage, item: Parked, back: Option<&str>) -> Self {
        let tone = if item.state == LedgerState::Parked { "bad" } else { "" };
        let deed = |decision| Deed::Item(decision, item.id).act_from(back);
        Self {
            id: item.id,
            path: path(item.id),
            state: State::of(word(item.state), tone),
            since: item.next_at.as_ref().map_or_else(|| page.ago(&item.since), |at| next(page, at)),
            retry: deed(Decision::Retry),
            discard: (item.state != LedgerState::Waiting).then(|| deed(Decision::Discard)),
            event: item.event_type,
            of: item.aggregate_id,
            consumer: item.consumer,
            reason: item.reason.unwrap_or_default(),
            attempts: item.attempts,
            holds: item.holds,
        }
    }
}

fn next(page: &AdminPage, at: &DateTime<Utc>) -> String {
    text_with("ops-next-try", &[("time", page.time(at).into())])
}

/// What a state is called.
pub(super) const fn word(state: LedgerState) -> &'static str {
    match state {
        LedgerState::Parked => "ops-parked",
        LedgerState::Waiting => "ops-waiting",
        _ => "ops-unknown",
    }
}
