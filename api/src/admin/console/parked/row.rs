//! An item in a table, on the board and on its own page.

use super::super::deed::{Act, Deed};
use super::super::state::State;
use super::path;
use crate::admin::AdminPage;
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
    pub(in super::super) since: String,
    pub(in super::super) retry: Act,
    pub(in super::super) discard: Act,
}

impl Row {
    /// Whose deeds lead back to `back`, or to the console.
    pub(in super::super) fn of(page: &AdminPage, item: Parked, back: Option<&str>) -> Self {
        let is_parked = item.state == LedgerState::Parked;
        let deed = |decision| Deed::Item(decision, item.id).act_from(back);
        Self {
            id: item.id,
            path: path(item.id),
            state: if is_parked { State::of("ops-parked", "bad") } else { State::of("ops-unknown", "") },
            since: page.ago(&item.since),
            retry: deed(Decision::Retry),
            discard: deed(Decision::Discard),
            event: item.event_type,
            of: item.aggregate_id,
            consumer: item.consumer,
            reason: item.reason.unwrap_or_default(),
            attempts: item.attempts,
            holds: item.holds,
        }
    }
}
