//! Along streams: each aggregate whole, folded by ourselves and loaded by `postgres-es`.
//!
//! An aggregate to which something happens meanwhile is loaded further than it was folded: then it is folded once more,
//! as far as it was loaded.

use super::{Difference, LogChecked, VerifyError, Watch};
use crate::aggregate::{Aggregate, Cqrs, upcasters};
use crate::log::{Log, LogError, StoredEvent, StreamPlace};
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{AggregateError, EventStore};
use domain::category::{self, Category};
use domain::newsletter::{self, Newsletter};
use domain::order::{self, Order};
use domain::product::{self, Product};
use domain::{AggregateType, Event, Position};
use postgres_es::PostgresEventRepository;
use std::sync::Arc;
use tokio::task::JoinSet;

const READ_ROWS: u32 = 4_000;
/// How many aggregates `postgres-es` loads at once: each load is a statement on a connection of its own.
const LOADS_AT_ONCE: usize = 8;

pub(super) async fn check(log: &Log, watch: &mut Watch<'_>, checked: &mut LogChecked) -> Result<(), VerifyError> {
    let loaders = Arc::new(Loaders::new(log));
    let mut walk = Walk { checked, open: None, whole: Vec::new() };
    let (mut after, mut done) = (StreamPlace::default(), 0);
    loop {
        watch.tell("aggregates", done, walk.checked.up_to.0)?;
        let whole = std::mem::take(&mut walk.whole);
        let up_to = walk.checked.up_to;
        let (events, differences) =
            tokio::try_join!(read(log, &after, up_to), compare_all(&loaders, whole, LOADS_AT_ONCE))?;
        differences.into_iter().for_each(|difference| walk.checked.differences.add(difference));
        let Some(last) = events.last() else { break };
        after = place_of(last);
        done += events.len() as u64;
        events.iter().for_each(|event| walk.take(event));
    }
    walk.close();
    let whole = std::mem::take(&mut walk.whole);
    for difference in compare_all(&loaders, whole, LOADS_AT_ONCE).await? {
        walk.checked.differences.add(difference);
    }
    Ok(())
}

async fn read(log: &Log, after: &StreamPlace, up_to: Position) -> Result<Vec<StoredEvent>, VerifyError> {
    Ok(log.read_by_stream(after, up_to, READ_ROWS).await?)
}

fn place_of(event: &StoredEvent) -> StreamPlace {
    StreamPlace {
        aggregate_type: event.aggregate_type.to_string(),
        aggregate_id: event.aggregate_id.to_string(),
        sequence: event.sequence,
    }
}

/// From event to event, in the order of streams.
struct Walk<'a> {
    checked: &'a mut LogChecked,
    /// The aggregate whose events are being taken.
    open: Option<Folded>,
    /// Those that are complete.
    whole: Vec<Folded>,
}

/// An aggregate as our own fold has it.
struct Folded {
    aggregate_type: String,
    id: String,
    /// The last sequence that is in it.
    version: u64,
    position: Position,
    /// `None` where an event can't be read, or where the program knows no such aggregate.
    state: Option<State>,
}

#[derive(Debug, PartialEq)]
enum State {
    Order(Order),
    Product(Product),
    Category(Category),
    Newsletter(Newsletter),
}

impl State {
    fn empty(aggregate_type: &str) -> Option<Self> {
        Some(match AggregateType::parse(aggregate_type)? {
            AggregateType::Order => Self::Order(Order::default()),
            AggregateType::Product => Self::Product(Product::default()),
            AggregateType::Category => Self::Category(Category::default()),
            AggregateType::Newsletter => Self::Newsletter(Newsletter::default()),
        })
    }

    fn evolve(self, event: &Event) -> Self {
        match (self, event) {
            (Self::Order(state), Event::Order(event)) => Self::Order(order::evolve(state, event)),
            (Self::Product(state), Event::Product(event)) => Self::Product(product::evolve(state, event)),
            (Self::Category(state), Event::Category(event)) => Self::Category(category::evolve(state, event)),
            (Self::Newsletter(state), Event::Newsletter(event)) => Self::Newsletter(newsletter::evolve(state, event)),
            // Decoding goes by the aggregate's kind: there is no such event.
            (state, _) => state,
        }
    }
}

impl Walk<'_> {
    fn take(&mut self, event: &StoredEvent) {
        let same = |open: &Folded| open.aggregate_type == event.aggregate_type && *open.id == *event.aggregate_id;
        if !self.open.as_ref().is_some_and(same) {
            self.close();
        }
        let mut folded = self.open.take().unwrap_or_else(|| Folded::begin(event));
        self.check_order(&folded, event);
        match event.recorded() {
            Ok(recorded) => folded.state = folded.state.map(|state| state.evolve(&recorded.event)),
            Err(unreadable) => {
                self.checked.differences.add(Difference::Unreadable {
                    aggregate_type: event.aggregate_type.to_string(),
                    aggregate_id: event.aggregate_id.to_string(),
                    position: event.position,
                    fault: unreadable.fault.clone(),
                });
                folded.state = None;
            }
        }
        (folded.version, folded.position) = (event.sequence, event.position);
        self.open = Some(folded);
    }

    fn check_order(&mut self, folded: &Folded, event: &StoredEvent) {
        let (aggregate_type, aggregate_id) = (event.aggregate_type.to_string(), event.aggregate_id.to_string());
        if event.sequence != folded.version + 1 {
            let (first, last) = (folded.version + 1, event.sequence.saturating_sub(1));
            self.checked.differences.add(Difference::SequencesMissing { aggregate_type, aggregate_id, first, last });
        } else if event.position <= folded.position {
            let (sequence, position) = (event.sequence, event.position);
            let difference = Difference::OutOfOrder { aggregate_type, aggregate_id, sequence, position };
            self.checked.differences.add(difference);
        }
    }

    /// Ends the aggregate whose events were taken.
    fn close(&mut self) {
        let Some(folded) = self.open.take() else { return };
        match AggregateType::parse(&folded.aggregate_type) {
            Some(AggregateType::Order) => self.checked.orders += 1,
            Some(AggregateType::Product) => self.checked.products += 1,
            Some(AggregateType::Category) => self.checked.categories += 1,
            Some(AggregateType::Newsletter) => self.checked.newsletters += 1,
            None => {}
        }
        self.whole.push(folded);
    }
}

impl Folded {
    fn begin(event: &StoredEvent) -> Self {
        Self {
            aggregate_type: event.aggregate_type.to_string(),
            id: event.aggregate_id.to_string(),
            version: 0,
            position: Position::ORIGIN,
            state: State::empty(&event.aggregate_type),
        }
    }
}

/// Compares all with what `postgres-es` makes of them, several at a time.
async fn compare_all(
    loaders: &Arc<Loaders>,
    mut folded: Vec<Folded>,
    at_once: usize,
) -> Result<Vec<Difference>, VerifyError> {
    let share = folded.len().div_ceil(at_once).max(1);
    let mut tasks = JoinSet::new();
    while !folded.is_empty() {
        let share = folded.split_off(folded.len().saturating_sub(share));
        tasks.spawn(compare_share(Arc::clone(loaders), share));
    }
    let mut differences = Vec::new();
    for found in tasks.join_all().await {
        differences.extend(found?);
    }
    Ok(differences)
}

async fn compare_share(loaders: Arc<Loaders>, share: Vec<Folded>) -> Result<Vec<Difference>, VerifyError> {
    let mut differences = Vec::new();
    for folded in share {
        differences.extend(loaders.compare(folded).await?);
    }
    Ok(differences)
}

/// A stock `postgres-es` reader for each kind of aggregate.
struct Loaders {
    log: Log,
    orders: Loader<Order>,
    products: Loader<Product>,
    categories: Loader<Category>,
    newsletters: Loader<Newsletter>,
}

type Loader<A> = PersistedEventStore<PostgresEventRepository, Cqrs<A>>;

impl Loaders {
    fn new(log: &Log) -> Self {
        Self {
            log: log.clone(),
            orders: loader(log),
            products: loader(log),
            categories: loader(log),
            newsletters: loader(log),
        }
    }

    async fn compare(&self, folded: Folded) -> Result<Option<Difference>, VerifyError> {
        let Folded { id, version, state, .. } = folded;
        match state {
            Some(State::Order(state)) => self.compare_with(&self.orders, id, version, state).await,
            Some(State::Product(state)) => self.compare_with(&self.products, id, version, state).await,
            Some(State::Category(state)) => self.compare_with(&self.categories, id, version, state).await,
            Some(State::Newsletter(state)) => self.compare_with(&self.newsletters, id, version, state).await,
            None => Ok(None),
        }
    }

    async fn compare_with<A>(
        &self,
        loader: &Loader<A>,
        aggregate_id: String,
        version: u64,
        ours: A,
    ) -> Result<Option<Difference>, VerifyError>
    where
        A: Aggregate,
        Cqrs<A>: cqrs_es::Aggregate,
    {
        let aggregate_type = A::KIND.to_string();
        let loaded = match loader.load_aggregate(&aggregate_id).await {
            Ok(loaded) => loaded,
            Err(error @ (AggregateError::DatabaseConnectionError(_) | AggregateError::UnexpectedError(_))) => {
                let (aggregate_type, fault) = (A::KIND.as_str(), error.to_string());
                return Err(VerifyError::Loader { aggregate_type, aggregate_id, fault });
            }
            Err(error) => {
                let fault = error.to_string();
                return Ok(Some(Difference::NotLoaded { aggregate_type, aggregate_id, fault }));
            }
        };
        let loaded_version = loaded.current_sequence as u64;
        let ours = if loaded_version > version { self.fold_up_to(&aggregate_id, loaded_version).await? } else { ours };
        if loaded_version >= version && loaded.aggregate.0 == ours {
            return Ok(None);
        }
        Ok(Some(Difference::OtherState { aggregate_type, aggregate_id, version }))
    }

    async fn fold_up_to<A: Aggregate>(&self, id: &str, version: u64) -> Result<A, LogError> {
        let events = self.log.read_stream(A::KIND, id, 1).await?;
        let mut state = A::default();
        for stored in events.iter().take_while(|event| event.sequence <= version) {
            let recorded = stored.recorded().map_err(Clone::clone)?;
            if let Some(event) = A::own(&recorded.event) {
                state = state.evolve(event);
            }
        }
        Ok(state)
    }
}

fn loader<A>(log: &Log) -> Loader<A>
where
    Cqrs<A>: cqrs_es::Aggregate,
{
    PersistedEventStore::new_event_store(PostgresEventRepository::new(log.pool().clone())).with_upcasters(upcasters())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::order::Draft;
    use testkit::Db;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    /// No event that both can read leads to this: the two folds would have to part.
    #[tokio::test]
    async fn another_state_is_a_difference() {
        let (db, stop) = (Db::new().await, CancellationToken::new());
        let log = Log::open(db.pool().await, stop.clone(), &TaskTracker::new()).await.unwrap();
        let folded = |state: Order| Folded {
            aggregate_type: "order".to_owned(),
            id: "none".to_owned(),
            version: 0,
            position: Position::ORIGIN,
            state: Some(State::Order(state)),
        };
        let loaders = Loaders::new(&log);
        assert_eq!(loaders.compare(folded(Order::Empty)).await.unwrap(), None);
        let difference = loaders.compare(folded(Order::Draft(Draft::default()))).await.unwrap().unwrap();
        assert_eq!(difference.to_string(), "postgres-es loads order none at version 0 to another state than ours");
        stop.cancel();
    }
}
