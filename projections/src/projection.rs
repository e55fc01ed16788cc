//! What a read model declares, and the registry's view of it.

use crate::error::ProjectionError;
use crate::view_transaction::ViewTransaction;
use commands::{ReadError, Start, StoredEvent};
use domain::{AggregateType, Event, Recorded};
use std::pin::Pin;

/// A read model: a fold of the log, from where it starts, into tables of its own.
///
/// What `apply` writes must be a function of the events alone: no clock, no random number, nothing read from outside
/// its own tables. Else a rebuild would give other rows.
pub trait Projection: Send + Sync + 'static {
    /// Its name: lower-case letters, digits and `_`. Names its schemas and its row in the registry.
    const NAME: &'static str;

    /// Counts the changes of what its rows mean. A new version is built beside the one that serves.
    const VERSION: u32;

    /// The DDL of its tables, with unqualified names: each build makes them in a schema of its own.
    const TABLES: &'static str;

    /// The DDL of the indexes that only readers need. Made once a build has caught up with the log for the first time,
    /// as an index over a filled table costs a fraction of one that grows with it.
    const INDEXES: &'static str = "";

    /// The events that it wants.
    const WANTS: Wants;

    /// Where it begins. Decided with its first build, and kept for those after it, so that each has the same rows.
    const START: Start = Start::Origin;

    /// Whether its rows depend on the shop's time zone. A build keeps the one that it was made with, and another one
    /// asks for a rebuild.
    const USES_TIME_ZONE: bool = false;

    /// Writes a whole batch at once: wanted events alone, in the order of the log, each once in a build's life.
    ///
    /// Given a transaction and nothing else, so it can have no other effect. The number of statements should not depend
    /// on the number of events: thousands come at once when a build catches up.
    fn apply(
        batch: &[&Recorded<Event>],
        view: &mut ViewTransaction<'_>,
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send;
}

/// Which events a projection wants.
#[derive(Debug, Clone, Copy)]
pub struct Wants {
    types: &'static [&'static str],
}

impl Wants {
    /// Events of these types, in every version ever stored.
    pub const fn types(types: &'static [&'static str]) -> Self {
        Self { types }
    }

    /// The event, if it is wanted.
    ///
    /// An event of a type that this program does not know, in an aggregate of which any type is wanted, is an error: a
    /// newer program wrote it, and nobody here can say that it does not matter.
    pub(crate) fn choose<'a>(&self, stored: &'a StoredEvent) -> Result<Option<&'a Recorded<Event>>, &'a ReadError> {
        if self.types.contains(&&*stored.event_type) || self.is_unknown_neighbour(stored) {
            stored.recorded().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Whether it is one of them.
    pub(crate) fn has(&self, event: &Event) -> bool {
        self.types.contains(&event.event_type())
    }

    fn is_unknown_neighbour(&self, stored: &StoredEvent) -> bool {
        let Some(kind) = AggregateType::parse(&stored.aggregate_type) else { return false };
        let known = kind.event_types();
        !known.contains(&&*stored.event_type) && self.types.iter().any(|wanted| known.contains(wanted))
    }
}

type Applied<'a> = Pin<Box<dyn Future<Output = Result<(), ProjectionError>> + Send + 'a>>;
type Apply = for<'a, 'b> fn(&'a [&'a Recorded<Event>], &'a mut ViewTransaction<'b>) -> Applied<'a>;

/// What a [`Projection`] declares, as a value.
#[derive(Debug)]
pub struct Definition {
    /// [`Projection::NAME`].
    pub name: &'static str,
    /// [`Projection::VERSION`].
    pub version: u32,
    pub(crate) tables: &'static str,
    pub(crate) indexes: &'static str,
    pub(crate) wants: Wants,
    pub(crate) start: Start,
    pub(crate) uses_time_zone: bool,
    pub(crate) apply: Apply,
}

impl Definition {
    /// What `P` declares. A name that can't stand in that of a schema does not compile.
    pub const fn of<P: Projection>() -> Self {
        const { assert!(is_plain(P::NAME), "a projection's NAME is 1 to 40 of a-z, 0-9 and _, a letter first") };
        const { assert!(P::VERSION > 0, "a projection's VERSION counts from 1") };
        Self {
            name: P::NAME,
            version: P::VERSION,
            tables: P::TABLES,
            indexes: P::INDEXES,
            wants: P::WANTS,
            start: P::START,
            uses_time_zone: P::USES_TIME_ZONE,
            apply: |batch, view| Box::pin(P::apply(batch, view)),
        }
    }
}

const fn is_plain(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if !matches!(bytes[index], b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty() && bytes.len() <= 40 && bytes[0].is_ascii_lowercase()
}
