//! What time does: retries, leases that ran out, the leases of the living, and what people instructed meanwhile.

use super::held::Looks;
use super::{Member, RunError, note_cut_off};
use crate::consumer::Consumer;
use crate::ledger::{LedgerError, due};
use crate::status::{ReaderState, tell};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often is looked for what is due, unless something is known to be.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The most entries that are claimed in one look.
const CLAIMED_AT_ONCE: usize = 200;
/// How often what people instructed is looked up.
const INSTRUCTIONS_EVERY: Duration = Duration::from_millis(500);
/// For how long PostgreSQL may be away before the group is left. The intake does not outlast it either.
const AWAY_AT_MOST: Duration = Duration::from_secs(60);

/// When the regular looks are next.
struct Next {
    renew: Instant,
    orders: Instant,
    held: Looks,
}

impl<C: Consumer> Member<C> {
    /// Keeps the time of this consumer's entries, until an error.
    pub(super) async fn keep_time(self: Arc<Self>) -> Result<(), RunError> {
        let now = Instant::now();
        let mut next = Next { renew: now + self.settings.claim_lease / 3, orders: now, held: Looks::from(now) };
        let mut failing_since: Option<Instant> = None;
        loop {
            match self.tick(&mut next).await {
                Ok(more) => {
                    if failing_since.take().is_some() {
                        self.tell_at_work();
                    }
                    if more {
                        continue;
                    }
                }
                Err(error) if failing_since.get_or_insert_with(Instant::now).elapsed() < AWAY_AT_MOST => {
                    tracing::warn!(consumer = C::NAME, %error, "what is due can't be looked up");
                    tell(&self.status, ReaderState::Retrying(error.to_string()));
                }
                Err(error) => return Err(error.into()),
            }
            let _ = tokio::time::timeout(LOOK_EVERY, self.due.notified()).await;
        }
    }

    /// Looks once; says whether more may be due at once.
    async fn tick(self: &Arc<Self>, next: &mut Next) -> Result<bool, LedgerError> {
        let (pool, owner) = (&self.tools.ledger, self.tools.owner);
        let now = Instant::now();
        if now >= next.renew {
            // By name: what nobody here works on any more, after a lost reply, must run out.
            let ids: Vec<i64> = self.hand().iter().copied().collect();
            due::renew(pool, owner, self.settings.claim_lease, &ids).await?;
            next.renew = now + self.settings.claim_lease / 3;
        }
        if now >= next.orders {
            self.look_at_instructions().await?;
            next.orders = now + INSTRUCTIONS_EVERY;
        }
        note_cut_off::<C>(due::give_up_sending(pool, C::NAME).await?);
        if self.control.borrow().paused.is_some() {
            return Ok(false);
        }
        let is_more = self.claim_due().await?;
        // After that: however many are held, what is due does not wait for it.
        Ok(self.look_at_held(&mut next.held).await || is_more)
    }

    /// Claims what is due; says whether that was as much as could be taken.
    async fn claim_due(self: &Arc<Self>) -> Result<bool, LedgerError> {
        let limit = self.room.available_permits().min(CLAIMED_AT_ONCE);
        let Ok(wanted) = u32::try_from(limit) else { return Ok(false) };
        let Ok(mut places) = Arc::clone(&self.room).try_acquire_many_owned(wanted) else { return Ok(false) };
        if limit == 0 {
            return Ok(false);
        }
        let lease = self.settings.claim_lease;
        let entries = due::claim_due(&self.tools.ledger, C::NAME, self.tools.owner, lease, limit).await?;
        let all = entries.len() == limit;
        for entry in entries {
            let Some(place) = places.split(1) else { break };
            self.begin(entry, None, place);
        }
        Ok(all)
    }
}
