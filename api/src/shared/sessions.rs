//! Guests' sessions, for pages that only show something.
//!
//! A session stands here only while nobody has logged in with it and nothing else is noted in it, so that whatever
//! becomes of Redis, no log-out is undone by it. What changes something asks PostgreSQL.
//!
//! Who does not find one leaves a ticket, asks PostgreSQL, and puts the session in the ticket's place. Who changes a
//! session takes away what stands there: a ticket too, and with it goes what somebody read before the change. What
//! could not be taken away, as Redis did not answer, is taken away before this process uses Redis again; other
//! processes may see it until then, or for [`LASTS_S`].

use super::{Inner, Link, Shared};
use chrono::{DateTime, Utc};
use commands::shop::sessions::{Lifetime, Session};
use redis::Cmd;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

const KIND: &str = "session";
/// How long a session stands here.
pub(super) const LASTS_S: u64 = 60;
/// How long PostgreSQL has to answer who left a ticket.
const TICKET_LASTS_S: u64 = 5;
/// What a ticket begins with; a session begins with a brace.
const TICKET: &str = "ticket ";
/// The most sessions that are remembered to be taken away. With more, Redis is left alone until none can stand there
/// any more.
const MAX_UNSAID: usize = 10_000;
/// How long they are remembered, at least: as long as a session stands here that was put there just after the change,
/// by somebody who had left a ticket before.
const REMEMBERED: Duration = Duration::from_secs(LASTS_S + TICKET_LASTS_S);

/// Returns what stands there, or leaves a ticket.
const SEEK: &str = "local there = redis.call('GET', KEYS[1])
if there then return there end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return false";
/// Puts a session in its ticket's place.
const FILL: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end";

/// What there is of a session.
#[derive(Debug)]
pub(crate) enum Sought {
    Found(Session),
    /// Nothing yet; the ticket lets it be put there.
    Missing(Ticket),
    /// Somebody else is about to, or Redis does not answer.
    Unknown,
}

/// The right to put a session there that is read of PostgreSQL from now on.
#[derive(Debug)]
pub(crate) struct Ticket(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    id: Uuid,
    lasts_s: u64,
    ends_with_browser: bool,
    last_seen_at: DateTime<Utc>,
    is_new: bool,
    visitor_id: Uuid,
    cart_id: Uuid,
    cart_units: u32,
    is_ordered: bool,
}

impl Kept {
    /// `None` for one in which something is noted, such as who has logged in.
    fn of(session: &Session) -> Option<Self> {
        let Session { data, lifetime: Lifetime { lasts, ends_with_browser }, .. } = session;
        let is_empty = data.as_object().is_some_and(serde_json::Map::is_empty);
        is_empty.then_some(Self {
            id: session.id,
            lasts_s: lasts.as_secs(),
            ends_with_browser: *ends_with_browser,
            last_seen_at: session.last_seen_at,
            is_new: session.is_new,
            visitor_id: session.visitor_id,
            cart_id: session.cart_id,
            cart_units: session.cart_units,
            is_ordered: session.is_ordered,
        })
    }

    fn session(self) -> Session {
        let lasts = Duration::from_secs(self.lasts_s);
        Session {
            id: self.id,
            data: serde_json::Value::Object(serde_json::Map::new()),
            lifetime: Lifetime { lasts, ends_with_browser: self.ends_with_browser },
            last_seen_at: self.last_seen_at,
            is_new: self.is_new,
            visitor_id: self.visitor_id,
            cart_id: self.cart_id,
            cart_units: self.cart_units,
            is_ordered: self.is_ordered,
        }
    }
}

impl Shared {
    /// The session that is known by `name`, which tells nothing of its secret.
    pub(crate) async fn session(&self, name: &str) -> Sought {
        let Some(inner) = &self.0 else { return Sought::Unknown };
        let ticket = format!("{TICKET}{}", Uuid::new_v4());
        let there: Option<Option<Vec<u8>>> = inner
            .ask(|link| {
                let mut seek = redis::cmd("EVAL");
                seek.arg(SEEK).arg(1).arg(link.key(KIND, name)).arg(&ticket).arg(TICKET_LASTS_S);
                seek
            })
            .await;
        match there {
            None => Sought::Unknown,
            Some(None) => Sought::Missing(Ticket(ticket)),
            Some(Some(json)) => {
                serde_json::from_slice(&json).map_or(Sought::Unknown, |kept: Kept| Sought::Found(kept.session()))
            }
        }
    }

    /// Puts a session there, as PostgreSQL had it after the ticket was left.
    pub(crate) async fn fill_session(&self, name: &str, ticket: Ticket, session: &Session) {
        let Some(inner) = &self.0 else { return };
        let Some(json) = Kept::of(session).and_then(|kept| serde_json::to_vec(&kept).ok()) else { return };
        let _: Option<()> = inner
            .ask(|link| {
                let mut fill = redis::cmd("EVAL");
                fill.arg(FILL).arg(1).arg(link.key(KIND, name)).arg(ticket.0).arg(json).arg(LASTS_S);
                fill
            })
            .await;
    }

    /// Takes a session away, after it was changed.
    pub(crate) async fn forget_session(&self, name: &str) {
        let Some(inner) = &self.0 else { return };
        // Before it is tried: a request that is cut off in between has changed the session all the same.
        inner.unsaid().add(name, Instant::now());
        let forgotten: Option<()> = inner.ask(|link| link.forget_session(name)).await;
        match forgotten {
            Some(()) => inner.said(name),
            // Also when it refuses to: what it has is not to be relied on.
            None => inner.leave(),
        }
    }
}

impl Link {
    pub(super) fn forget_session(&self, name: &str) -> Cmd {
        let mut forget = redis::cmd("DEL");
        forget.arg(self.key(KIND, name));
        forget
    }
}

/// Sessions that may still stand there as they were: those that were changed in the last minutes, as nothing stands
/// there for longer.
#[derive(Debug, Default)]
pub(super) struct Unsaid {
    recent: HashSet<String>,
    /// Those of the time before.
    older: HashSet<String>,
    /// When those are forgotten, and the recent ones become the older.
    turns_at: Option<Instant>,
    /// When they became too many; none of before stands there [`LASTS_S`] after the last that was not remembered.
    overflowed: Option<Instant>,
}

impl Unsaid {
    fn add(&mut self, name: &str, now: Instant) {
        self.turn(now);
        self.older.remove(name);
        if self.recent.len() + self.older.len() < MAX_UNSAID {
            self.recent.insert(name.to_owned());
        } else {
            self.overflowed = Some(now);
        }
    }

    fn remove(&mut self, name: &str) {
        self.recent.remove(name);
        self.older.remove(name);
    }

    /// What is to be taken away; nothing where that is not known in full.
    fn names(&mut self, now: Instant) -> Option<Vec<String>> {
        self.turn(now);
        if self.overflowed.is_some_and(|at| now < at + Duration::from_secs(LASTS_S)) {
            return None;
        }
        self.overflowed = None;
        Some(self.recent.iter().chain(&self.older).cloned().collect())
    }

    /// Forgets what has been there for [`REMEMBERED`].
    fn turn(&mut self, now: Instant) {
        let turns_at = *self.turns_at.get_or_insert(now + REMEMBERED);
        if now < turns_at {
            return;
        }
        self.older = std::mem::take(&mut self.recent);
        if now >= turns_at + REMEMBERED {
            self.older.clear();
        }
        self.turns_at = Some(now + REMEMBERED);
    }
}

impl Inner {
    fn unsaid(&self) -> MutexGuard<'_, Unsaid> {
        self.unsaid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be taken away before Redis is used again.
    pub(super) fn unsaid_sessions(&self) -> Result<Vec<String>, super::link::LinkError> {
        self.unsaid().names(Instant::now()).ok_or(super::link::LinkError::Overflowed)
    }

    pub(super) fn said(&self, name: &str) {
        self.unsaid().remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn session(data: serde_json::Value) -> Session {
        Session {
            id: Uuid::from_u128(1),
            data,
            lifetime: Lifetime { lasts: Duration::from_secs(3_600), ends_with_browser: true },
            last_seen_at: DateTime::UNIX_EPOCH,
            is_new: true,
            visitor_id: Uuid::from_u128(4),
            cart_id: Uuid::from_u128(2),
            cart_units: 3,
            is_ordered: true,
        }
    }

    #[test]
    fn a_guest_s_session_reads_back_and_one_with_something_in_it_is_never_written() {
        let guest = session(json!({}));
        let json = serde_json::to_vec(&Kept::of(&guest).unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Kept>(&json).unwrap().session(), guest);
        for data in [json!({ "member": { "id": 1 } }), json!({ "a": null }), json!(null), json!([])] {
            assert!(Kept::of(&session(data)).is_none());
        }
    }

    #[test]
    fn what_is_too_much_to_remember_keeps_redis_away_until_nothing_of_it_stands_there() {
        let (mut unsaid, begun) = (Unsaid::default(), Instant::now());
        let after = |seconds: u64| begun + Duration::from_secs(seconds);
        for number in 0..MAX_UNSAID {
            unsaid.add(&number.to_string(), begun);
        }
        assert_eq!(unsaid.names(begun).map(|names| names.len()), Some(MAX_UNSAID));
        unsaid.add("one more", begun);
        assert_eq!(unsaid.names(after(LASTS_S - 1)), None);
        // A shop where something changes each second while Redis is away for an hour.
        for second in 1..3_600 {
            unsaid.add(&format!("at {second}"), after(second));
        }
        let names = unsaid.names(after(3_600)).expect("few enough were changed lately");
        let soonest = 3_600 - REMEMBERED.as_secs();
        assert!((soonest..3_600).all(|second| names.contains(&format!("at {second}"))));
        assert!(names.len() as u64 <= 2 * REMEMBERED.as_secs() && !names.contains(&"0".to_owned()));
        unsaid.remove("at 3599");
        assert!(!unsaid.names(after(3_600)).unwrap().contains(&"at 3599".to_owned()));
    }
}
