//! What clients asked for, and what they were told: the one side of the comparison with the log.

use super::wire::Try;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a client asked for. Its id goes along as the request's id, so the events that it led to are known by it.
#[derive(Debug, Clone)]
pub struct Intent {
    pub id: String,
    pub asks: Asks,
    /// The answers of success, one per try that had one.
    pub answers: Vec<Answer>,
    /// Status and code of the refusal that it was answered with at last.
    pub refused: Option<String>,
    /// How many tries are under way, or have ended, without anybody knowing what became of them.
    pub open_tries: u32,
}

/// What it leads to, if it is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// A new order with so many lines.
    Order { lines: usize },
    /// One more line.
    Item,
    /// A payment, and the order may be paid by it.
    Payment,
    /// A payment that was recorded before, under another key: it succeeds and changes nothing.
    Again,
    /// What is refused, whenever it is asked: for one of these reasons, each a status and a code.
    Impossible(&'static [&'static str]),
}

impl Asks {
    /// For which reasons it may be refused: others were faster, or it can't be at all.
    fn refusals(&self) -> &'static [&'static str] {
        match self {
            Self::Order { .. } | Self::Again => &[],
            Self::Item => &["409 payment_recorded", "409 already_paid", "412 version_mismatch"],
            Self::Payment => &["409 already_paid", "422 above_balance"],
            Self::Impossible(refusals) => refusals,
        }
    }
}

/// An answer of success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The order's version, from the entity tag.
    pub version: u64,
    pub position: u64,
    pub body: String,
}

/// How many events a client can be sure of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Once,
    AtMostOnce,
    Never,
}

impl Intent {
    pub fn expected(&self) -> Expected {
        match self {
            Self { asks: Asks::Again | Asks::Impossible(_), .. } => Expected::Never,
            Self { answers, .. } if !answers.is_empty() => Expected::Once,
            // Refused, or never taken. Of several tries one may be refused and an older one be carried out all the
            // same.
            Self { open_tries: 0, .. } => Expected::Never,
            _ => Expected::AtMostOnce,
        }
    }

    /// Whether these events are all that it leads to.
    pub fn is_whole(&self, types: &[&str]) -> bool {
        match &self.asks {
            Asks::Order { lines } => {
                let (added, placed) = types.split_at((*lines).min(types.len()));
                added.len() == *lines && added.iter().all(|name| *name == "ItemAdded") && placed == ["OrderPlaced"]
            }
            Asks::Item => types == ["ItemAdded"],
            Asks::Payment => matches!(types, ["PaymentRecorded"] | ["PaymentRecorded", "OrderPaid"]),
            Asks::Again | Asks::Impossible(_) => types.is_empty(),
        }
    }
}

/// All that the clients of one shop asked for and were told.
#[derive(Debug, Default)]
pub struct Told {
    intents: Mutex<Vec<Intent>>,
    clients: AtomicUsize,
}

impl Told {
    /// A number for one more client, by which it is known from all others.
    pub fn client(&self) -> usize {
        self.clients.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes what is about to be asked; gives its place.
    pub fn note(&self, id: String, asks: Asks) -> usize {
        let mut intents = self.lock();
        intents.push(Intent { id, asks, answers: Vec::new(), refused: None, open_tries: 0 });
        intents.len() - 1
    }

    /// Notes what became known of one.
    pub fn update(&self, place: usize, change: impl FnOnce(&mut Intent)) {
        change(&mut self.lock()[place]);
    }

    /// Notes what one try of it came to.
    pub fn hear(&self, place: usize, outcome: &Try) {
        self.update(place, |intent| match outcome {
            Try::Done(answer, _) => {
                let sound = intent.refused.is_none() && !matches!(intent.asks, Asks::Impossible(_));
                assert!(sound, "answered with success: {intent:?}, {answer:?}");
                intent.open_tries -= 1;
                intent.answers.push(answer.clone());
            }
            Try::Refused(reason) => {
                let sound = intent.answers.is_empty() && intent.asks.refusals().contains(&reason.as_str());
                assert!(sound, "refused as {reason}: {intent:?}");
                intent.open_tries -= 1;
                intent.refused = Some(reason.clone());
            }
            Try::NotNow => intent.open_tries -= 1,
            Try::Unknown => {}
        });
    }

    /// As it is now.
    pub fn all(&self) -> Vec<Intent> {
        self.lock().clone()
    }

    /// Those that were answered more often than `seen` says, which then says so.
    pub fn newly_answered(&self, seen: &mut Vec<usize>) -> Vec<Intent> {
        let intents = self.lock();
        seen.resize(intents.len(), 0);
        let news = intents.iter().zip(seen).filter(|(intent, seen)| intent.answers.len() > **seen);
        news.map(|(intent, seen)| {
            *seen = intent.answers.len();
            intent.clone()
        })
        .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Intent>> {
        self.intents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
