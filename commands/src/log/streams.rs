//! Reading one aggregate's events. Readers that come while others are being served share the next statement: many that
//! each take a round trip of their own keep server and program busy with little else.

use super::stored::COLUMNS;
use super::{LogError, StoredEvent};
use crate::db::{self, DbError};
use domain::AggregateType;
use sqlx::{FromRow, PgPool, Row};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How many statements are under way at most: while one is read on the server, the rows of the other are taken in here.
const STATEMENTS: usize = 2;
/// How many readers share a statement at most.
const READERS: usize = 64;

/// How long a reader waits, its turn included: each statement has a bound of its own, but there may be many in line.
const WAIT_AT_MOST: Duration = Duration::from_secs(10);

type Events = Result<Vec<Arc<StoredEvent>>, LogError>;

/// A reader who waits.
struct Wanted {
    kind: AggregateType,
    id: String,
    from_sequence: u64,
    reply: oneshot::Sender<Events>,
}

/// Those who read.
pub(super) struct Streams {
    pool: PgPool,
    waiting: Mutex<Vec<Wanted>>,
    statements: Arc<Semaphore>,
}

impl Streams {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, waiting: Mutex::default(), statements: Arc::new(Semaphore::new(STATEMENTS)) }
    }

    /// The events of one aggregate from the one that has the number `from_sequence`, in order.
    pub(super) async fn read(&self, kind: AggregateType, id: &str, from_sequence: u64) -> Events {
        db::within(WAIT_AT_MOST, self.wait(kind, id, from_sequence)).await?
    }

    async fn wait(&self, kind: AggregateType, id: &str, from_sequence: u64) -> Events {
        let (reply, mut events) = oneshot::channel();
        self.with_waiting(|waiting| waiting.push(Wanted { kind, id: id.to_owned(), from_sequence, reply }));
        let turn = tokio::select! {
            biased;
            // Another reader's statement took this one along.
            events = &mut events => return events.unwrap_or_else(|_| Err(gone())),
            turn = Arc::clone(&self.statements).acquire_owned() => turn,
        };
        if let Ok(turn) = turn {
            let group = self.with_waiting(next_group);
            // A task of its own: whoever leads may hang up, those who follow must not notice.
            tokio::spawn(serve(self.pool.clone(), group, turn));
        }
        events.await.unwrap_or_else(|_| Err(gone()))
    }

    fn with_waiting<T>(&self, change: impl FnOnce(&mut Vec<Wanted>) -> T) -> T {
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes those who came first, without those who hung up.
fn next_group(waiting: &mut Vec<Wanted>) -> Vec<Wanted> {
    waiting.retain(|wanted| !wanted.reply.is_closed());
    let count = waiting.len().min(READERS);
    waiting.drain(..count).collect()
}

/// The runtime ends: nobody reads any more.
fn gone() -> LogError {
    sqlx::Error::WorkerCrashed.into()
}

async fn serve(pool: PgPool, group: Vec<Wanted>, _turn: OwnedSemaphorePermit) {
    if group.is_empty() {
        return;
    }
    match read_all(&pool, &group).await {
        Ok(read) => {
            for (wanted, events) in group.into_iter().zip(read) {
                // Who hung up meanwhile does not take it.
                let _ = wanted.reply.send(Ok(events));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for wanted in group {
                let _ = wanted.reply.send(Err(DbError::Shared(Arc::clone(&error)).into()));
            }
        }
    }
}

/// The events that each of the group wants. A stream that several want is read once.
async fn read_all(pool: &PgPool, group: &[Wanted]) -> Result<Vec<Vec<Arc<StoredEvent>>>, sqlx::Error> {
    let mut streams: Vec<(&Wanted, u64)> = Vec::new();
    let mut places: HashMap<(AggregateType, &str), usize> = HashMap::new();
    for wanted in group {
        let place = *places.entry((wanted.kind, &wanted.id)).or_insert(streams.len());
        match streams.get_mut(place) {
            Some((_, from)) => *from = wanted.from_sequence.min(*from),
            None => streams.push((wanted, wanted.from_sequence)),
        }
    }
    let read = read_streams(pool, &streams).await?;
    let own = |wanted: &Wanted| {
        let events = places.get(&(wanted.kind, &*wanted.id)).and_then(|place| read.get(*place));
        let events = events.into_iter().flatten();
        events.filter(|event| event.sequence >= wanted.from_sequence).cloned().collect()
    };
    Ok(group.iter().map(own).collect())
}

/// The events of each stream from a number on.
async fn read_streams(pool: &PgPool, streams: &[(&Wanted, u64)]) -> Result<Vec<Vec<Arc<StoredEvent>>>, sqlx::Error> {
    let sql = format!(
        "SELECT stored.*, nth
           FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS wanted(kind, id, from_sequence, nth)
          CROSS JOIN LATERAL (SELECT {COLUMNS} FROM events
                               WHERE aggregate_type = kind AND aggregate_id = id AND sequence >= from_sequence
                               ORDER BY sequence) AS stored
          ORDER BY nth, sequence"
    );
    let kinds: Vec<&str> = streams.iter().map(|(wanted, _)| wanted.kind.as_str()).collect();
    let ids: Vec<&str> = streams.iter().map(|(wanted, _)| &*wanted.id).collect();
    let from: Vec<i64> = streams.iter().map(|(_, from)| from.cast_signed()).collect();
    let rows =
        db::read(pool, async |session| sqlx::query(&sql).bind(&kinds).bind(&ids).bind(&from).fetch_all(session).await)
            .await?;
    let mut read: Vec<Vec<Arc<StoredEvent>>> = streams.iter().map(|_| Vec::new()).collect();
    for row in &rows {
        let nth: i64 = row.try_get("nth")?;
        let place = usize::try_from(nth - 1).ok().and_then(|nth| read.get_mut(nth));
        place.ok_or(sqlx::Error::RowNotFound)?.push(Arc::new(StoredEvent::from_row(row)?));
    }
    Ok(read)
}
