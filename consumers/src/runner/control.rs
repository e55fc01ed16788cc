//! Heeding what people instruct a group to do.

use super::membership::{self, GroupMember};
use super::{Member, RunError};
use crate::consumer::Consumer;
use crate::kafka::BrokerError;
use crate::ledger::control;
use crate::ledger::{LedgerError, due};
use crate::status::{ReaderState, tell};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;

/// How often a member that rests sees whether it was given partitions, which rest too.
const REST_STEP: Duration = Duration::from_millis(500);

impl<C: Consumer> Member<C> {
    /// Looks up what people instructed, and wakes the intake where there is something for it.
    pub(super) async fn look_at_instructions(&self) -> Result<(), LedgerError> {
        let now = control::read(&self.tools.ledger, C::NAME).await?;
        let paused = if now.paused.is_some() { 1.0 } else { 0.0 };
        metrics::gauge!("orders_consumer_paused", "consumer" => C::NAME).set(paused);
        let held = self.holds();
        // A partition that is to go back may have come into our hands since.
        let is_for_us = now.rewinds.iter().any(|rewind| held.contains(&(rewind.topic.clone(), rewind.partition)));
        self.control.send_if_modified(|before| {
            let is_new = *before != now;
            *before = now;
            is_new || is_for_us
        });
        Ok(())
    }

    /// The partitions that it holds.
    pub(super) fn holds(&self) -> Vec<(String, i32)> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells that it is at work, or that it rests.
    pub(super) fn tell_at_work(&self) {
        let paused = self.control.borrow().paused.clone();
        tell(&self.status, paused.map_or(ReaderState::Running, ReaderState::Paused));
    }

    /// Rests until the group is resumed: the member stays in the group, asks Kafka for nothing, and gives back what has
    /// not begun.
    pub(super) async fn rest(self: &Arc<Self>, member: &GroupMember, reason: &str) -> Result<(), RunError> {
        tracing::info!(consumer = C::NAME, reason, "the group is paused");
        // After the last record was noted, so that nothing is claimed any more.
        due::give_back(&self.tools.ledger, C::NAME, self.tools.owner).await?;
        let mut changes = self.control.subscribe();
        loop {
            let paused = changes.borrow_and_update().paused.clone();
            let Some(reason) = paused else { break };
            let held = member.assignment().map_err(BrokerError::Settings)?;
            member.pause(&held).map_err(BrokerError::Settings)?;
            tell(&self.status, ReaderState::Paused(reason));
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(REST_STEP) => {}
                // The library wants to be asked for records, else it leaves the group.
                record = member.recv() => match record {
                    Ok(message) => self.put_by(&message, member).await?,
                    Err(KafkaError::MessageConsumptionFatal(code)) => return Err(RunError::Fatal(code.to_string())),
                    Err(error) => membership::failing(&self.status, &error),
                },
            }
        }
        tracing::info!(consumer = C::NAME, "the group goes on");
        let held = member.assignment().map_err(BrokerError::Settings)?;
        member.resume(&held).map_err(BrokerError::Settings)?;
        self.tell_at_work();
        self.due.notify_one();
        Ok(())
    }
}
