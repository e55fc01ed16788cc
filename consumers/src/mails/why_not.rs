//! Why a mail was not sent, or not yet: what holds its consumer up, and what the rules say.

use crate::consumer::Consumer;
use crate::groups::{self, Group, GroupError, GroupState};
use crate::order_mail::OrderMail;
use crate::order_mail::reminder::{self, NoReminder};
use crate::partitioner::partition_of;
use crate::relay;
use chrono::{DateTime, Utc};
use commands::{Log, StoredEvent};
use domain::order::Order;
use domain::{AggregateType, Position};

/// The event came before the consumer's time, or it was handed the event and went past it.
pub(super) const PASSED_OVER: &str = "passed_over";
/// The consumer was not handed the event yet.
pub(super) const NOT_NOTED: &str = "not_noted";
/// By the rules there is no such mail, or not yet.
pub(super) const NOT_CALLED_FOR: &str = "not_called_for";

/// How the consumer that mails about orders stands, and how far the relay is that feeds it.
pub(super) struct Standing {
    group: Group,
    relay: Option<Position>,
}

impl Standing {
    /// To be asked before the ledger: what that does not have then, the consumer had not noted by now.
    pub(super) async fn load(log: &Log) -> Result<Self, GroupError> {
        let relay = relay::noted(log.pool()).await?;
        Ok(Self { group: groups::get(log, OrderMail::NAME).await?, relay })
    }

    /// What keeps the consumer from acting at all, if anything does.
    pub(super) fn rests(&self) -> Option<String> {
        let members = &self.group.members;
        match (&self.group.paused, self.group.state) {
            (Some(paused), _) => Some(format!("the consumer is paused: {}", paused.reason)),
            (None, GroupState::NotStarted) if members.is_empty() => Some("the consumer was never started".to_owned()),
            (None, GroupState::NoMembers) => Some("no program runs the consumer".to_owned()),
            // One that never began may just not get there, as Kafka is away.
            (None, GroupState::Failing | GroupState::NotStarted) => {
                let detail = members.iter().find_map(|member| member.detail.as_deref());
                Some(format!("the consumer is not at work: {}", detail.unwrap_or("it is starting")))
            }
            (None, GroupState::Running | GroupState::Paused) => None,
        }
    }

    /// The state of a mail whose event is not in the ledger, and why it is not.
    pub(super) fn without_entry(&self, event: &StoredEvent) -> (&'static str, String) {
        if self.group.started_after.is_some_and(|started_after| event.position <= started_after) {
            return (PASSED_OVER, "the event came before the consumer's time".to_owned());
        }
        let of_orders = || self.group.partitions.iter().filter(|partition| partition.kind == AggregateType::Order);
        let number = partition_of(&event.aggregate_id, of_orders().count());
        let partition = of_orders().find(|partition| Some(partition.partition) == number);
        if partition.is_some_and(|partition| partition.position >= event.position) {
            let why = "the consumer went past the event: the program that ran it then sent no mail about such events";
            return (PASSED_OVER, why.to_owned());
        }
        let why = self.rests().or_else(|| self.unpublished(event.position)).unwrap_or_else(|| {
            // The event may be newer than the look at the group.
            let events = partition.map_or(self.group.lag.events, |partition| partition.lag.events).max(1);
            format!("the consumer was not handed the event yet: it is {events} events behind in its partition")
        });
        (NOT_NOTED, why)
    }

    fn unpublished(&self, position: Position) -> Option<String> {
        let relay = self.relay.filter(|relay| *relay < position)?;
        Some(format!("the relay has not published the event yet: it is at position {relay}"))
    }
}

/// Why there is no receipt; `None` where there is to be one.
pub(super) fn no_receipt(order: &Order) -> Option<String> {
    let placed = order.placed().filter(|_| !order.is_paid())?;
    let (paid, total) = (placed.paid_amount, placed.total);
    Some(format!("{paid} of {total} is paid, and the receipt goes out when all is"))
}

/// Why nobody was reminded of paying.
pub(super) fn no_reminder(order: &Order, placed_at: DateTime<Utc>, now: DateTime<Utc>) -> &'static str {
    match reminder::why_not(order, placed_at, now) {
        Some(NoReminder::Paid) => "the order is paid",
        Some(NoReminder::Flagged) => "a payment came in that does not fit: a person has to write first",
        Some(NoReminder::Early) => "it goes out a day after the order was placed, if that is not paid by then",
        None => "none was put in: what finds unpaid orders has not come by, or nobody takes payments here",
    }
}
