//! Fetches news for all that are connected to this process: one task, at work only while there is somebody.
//!
//! Events come from the log, woken by its watch, which works across processes. Messages and what became of mails stand
//! in tables: these are looked into about once a second, and at once when this process wrote a message itself. Nothing
//! is kept here but how far it is: whoever comes in looks by itself how things are, after it joined.

use super::Live;
use super::hub::{Awake, Group};
use super::news::{Happened, Mail, News};
use commands::messages::{self, Message};
use commands::{LogError, StoredEvent};
use consumers::Consumer;
use consumers::ledger;
use consumers::order_mail::OrderMail;
use domain::ids::OrderId;
use domain::{AggregateType, Position};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// The most events that one read takes in.
const BATCH_EVENTS: u32 = 1_000;
/// The most messages that one read takes in.
const BATCH_MESSAGES: u32 = 200;
/// The pause before what was heard of is read again.
const SOON: Duration = Duration::from_millis(20);
/// The pause after the database did not answer.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long those who are told that this process ends have to leave.
const LEAVE_AT_MOST: Duration = Duration::from_secs(3);

/// How far the fetching is.
#[derive(Debug, Clone, Copy)]
struct Place {
    event: Position,
    message: i64,
}

impl Live {
    /// Fetches news until `cancel`, then closes all sockets. An error is one that trying again does not mend.
    pub async fn follow(&self, cancel: CancellationToken) -> Result<(), LogError> {
        let mut following = pin!(self.follow_on());
        tokio::select! {
            outcome = following.as_mut() => return outcome,
            () = cancel.cancelled() => {}
        }
        self.hub().close_for_good();
        // Who does not take the close is cut off with the process.
        let _ = tokio::time::timeout(LEAVE_AT_MOST, self.hub().left()).await;
        Ok(())
    }

    async fn follow_on(&self) -> Result<(), LogError> {
        loop {
            self.hub().occupied().await;
            match self.newest().await {
                Ok(place) => self.fetch(place).await?,
                Err(error) => put_off(error).await?,
            }
        }
    }

    /// Where news begins that nobody who joins from now on finds by itself.
    async fn newest(&self) -> Result<Place, LogError> {
        Ok(Place { event: self.log().head().await?, message: messages::newest(self.log().pool()).await? })
    }

    /// Fetches while somebody is connected.
    async fn fetch(&self, mut at: Place) -> Result<(), LogError> {
        let mut awake: Awake = self.hub().wake();
        let mut head = self.log().watch_head();
        let mut looks = tokio::time::interval(self.settings().look_every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let beyond = async { head.wait_for(|head| *head > at.event).await.map(drop) };
            let fetched = tokio::select! {
                _ = beyond => self.fetch_events(&mut at.event).await,
                () = self.posted() => self.fetch_messages(&mut at.message).await,
                _ = looks.tick() => self.look(&mut at.message).await,
                () = self.hub().deserted() => match awake.doze() {
                    Ok(()) => return Ok(()),
                    Err(goes_on) => {
                        awake = goes_on;
                        Ok(())
                    }
                },
            };
            if let Err(error) = fetched {
                put_off(error).await?;
            }
        }
    }

    /// One batch of the log.
    async fn fetch_events(&self, at: &mut Position) -> Result<(), LogError> {
        let events = self.log().read(*at, BATCH_EVENTS).await?;
        if events.is_empty() {
            // It was heard of, and is there in a moment.
            tokio::time::sleep(SOON).await;
        }
        let watched = self.hub().orders();
        for event in &events {
            if let Some(order) = order_of(event).filter(|order| watched.contains(order)) {
                let news = Arc::new(News::Event(order, Happened::of(event)));
                self.hub().send(Group::Order(order), &news);
            }
            *at = event.position;
        }
        Ok(())
    }

    async fn look(&self, message: &mut i64) -> Result<(), LogError> {
        self.fetch_messages(message).await?;
        self.fetch_mails().await
    }

    /// The messages about all orders: staff are told of each.
    async fn fetch_messages(&self, after: &mut i64) -> Result<(), LogError> {
        loop {
            let batch = messages::behind(self.log().pool(), *after, BATCH_MESSAGES).await?;
            let is_last = batch.len() < BATCH_MESSAGES as usize;
            for message in batch {
                *after = message.id;
                self.tell_of(message);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn tell_of(&self, message: Message) {
        let order = message.order;
        let news = Arc::new(News::Message(message));
        self.hub().send(Group::Order(order), &news);
        self.hub().send(Group::Staff, &news);
    }

    /// What became of the mails that somebody waits for, in one statement; in none while nobody does.
    async fn fetch_mails(&self) -> Result<(), LogError> {
        let awaited = self.mails().of(&self.hub().orders());
        if awaited.is_empty() {
            return Ok(());
        }
        for (event, state) in ledger::states_of(self.log().pool(), OrderMail::NAME, &awaited).await? {
            let mail = Mail::of(Some(state));
            if let Some(order) = self.mails().found(event, mail) {
                self.hub().send(Group::Order(order), &Arc::new(News::Mail(order, mail)));
            }
        }
        Ok(())
    }
}

fn order_of(event: &StoredEvent) -> Option<OrderId> {
    if event.aggregate_type != AggregateType::Order.as_str() {
        return None;
    }
    event.aggregate_id.parse().ok()
}

/// Waits a moment, where the database may come back; what failed is done again, from the same place.
async fn put_off(error: LogError) -> Result<(), LogError> {
    match error {
        LogError::Db(error) => {
            tracing::warn!(%error, "news for connected visitors can't be fetched; trying again");
            tokio::time::sleep(AGAIN_AFTER).await;
            Ok(())
        }
        error => Err(error),
    }
}
