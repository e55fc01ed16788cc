//! What would have been, with other prices or with other code of the list and the totals, side by side with what was in
//! schemas of their own. What differs is told in money, by day, product and order.
//!
//! With other prices history is run through twice, as it was and with events rewritten in memory on their way from the
//! log ([`prices`]). With other code it is run through once, by this program, and held against what serves ([`code`]).
//! Nothing else is written: not the log, nor a view, nor a registry. The schemas are dropped at the end, or kept to be
//! looked at ([`space`]).

mod code;
mod differences;
mod prices;
mod space;

pub use code::{Served, run_code};
pub use differences::{DayShift, OrderShift, ProductShift, Report, Shift, Sums};
pub use prices::{PriceChange, PriceChangeError};
pub use space::{Kept, Space, drop_named, list};

use crate::build;
use crate::cut::CutOff;
use crate::error::RunError;
use crate::feed::Feed;
use crate::order_list::OrderList;
use crate::order_totals::OrderTotals;
use crate::projection::{Definition, Projection};
use crate::step;
use crate::verify::VerifyError;
use chrono_tz::Tz;
use commands::verify::{Stopped, Watch};
use commands::{Log, LogError};
use domain::{Event, Position, Recorded};
use prices::Rewriter;
use sqlx::{Connection, Executor, PgConnection};

/// What history is run through with other prices.
static VIEWS: [Definition; 2] = [Definition::of::<OrderList>(), Definition::of::<OrderTotals>()];

/// Why it can't be told what would have been.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    /// A name that can't be that of a schema.
    #[error("`{0}` is no name for it: 1 to 30 of a-z, 0-9 and _, a letter first")]
    Name(String),
    /// A run of that name was kept.
    #[error("`{name}` was kept ({about}): drop it with `orders what-if {name} --drop`, or take another name")]
    Kept {
        /// The name.
        name: String,
        /// What it is.
        about: String,
    },
    /// A run of that name goes on at this moment.
    #[error("a run of the name `{0}` is under way: wait for its end, or take another name")]
    UnderWay(String),
    /// There is none of that name.
    #[error("nothing is kept under the name `{0}`: `orders what-if --list` shows what there is")]
    None(String),
    /// An event that can't have these prices.
    #[error("the event at position {position} can't have these prices: {source}")]
    Price {
        /// Where it stands.
        position: Position,
        /// Why.
        source: domain::money::MoneyError,
    },
    /// Nothing serves that new code could be held against.
    #[error("no build of {0} serves yet: `orders projections run` makes the first")]
    NotBuilt(&'static str),
    /// A view without a column that tells money or whose it is.
    #[error("{side} has no {missing}: orders, days and products are compared by these columns")]
    NotComparable {
        /// Whether that is what serves, or what this program makes.
        side: &'static str,
        /// Tables and columns.
        missing: String,
    },
    /// Asked to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// History could not be run through.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// PostgreSQL is away or refuses.
    #[error("PostgreSQL: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<VerifyError> for WhatIfError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Stopped(stopped) => Self::Stopped(stopped),
            error => Self::Run(error.into()),
        }
    }
}

/// Runs history up to the head that the log has now, once as it was and once with other prices, and says what differs.
/// Cancelled, it ends at once, whatever statement it is at.
pub async fn run(
    log: &Log,
    space: &mut Space,
    time_zone: Tz,
    change: &PriceChange,
    watch: &mut Watch<'_>,
) -> Result<Report, WhatIfError> {
    let cut_off = CutOff::when(watch.cancel, log.pool(), space.session()).await?;
    let outcome = run_through(log, space, time_zone, change, watch).await;
    cut_off.end().await;
    unless_stopped(outcome, watch)
}

/// A statement that was cut off, as what it is.
fn unless_stopped(outcome: Result<Report, WhatIfError>, watch: &Watch<'_>) -> Result<Report, WhatIfError> {
    match outcome {
        Err(WhatIfError::Database(_) | WhatIfError::Run(_)) if watch.cancel.is_cancelled() => Err(Stopped.into()),
        outcome => outcome,
    }
}

async fn run_through(
    log: &Log,
    space: &mut Space,
    time_zone: Tz,
    change: &PriceChange,
    watch: &mut Watch<'_>,
) -> Result<Report, WhatIfError> {
    let head = log.head().await?;
    let views = VIEWS.each_ref();
    let [was, becomes] = space.schemas();
    for schema in [&was, &becomes] {
        space.make_tables(schema, &views).await?;
    }
    let wants = OrderList::WANTS;
    let mut feed = Feed::new(log, wants, Position::ORIGIN);
    // Days are those of the totals that serve, as everywhere; where there are none yet, those that were asked for.
    let served = build::active(space.session(), OrderTotals::NAME).await?;
    let time_zone = served.map_or(Ok(time_zone), |build| build.time_zone())?;
    let rewriter = Rewriter::new(change, time_zone);
    let mut at = Position::ORIGIN;
    while at < head {
        watch.tell("history", at.0, head.0)?;
        let batch = feed.next().await?.up_to(head);
        if batch.is_empty() {
            let Some(fault) = batch.fault else { break };
            return Err(RunError::Unreadable { name: OrderList::NAME, fault }.into());
        }
        let wanted = batch.wanted();
        let mut transaction = space.session().begin().await?;
        apply(&mut transaction, &was, time_zone, &wanted).await?;
        transaction.execute(format!("SET LOCAL search_path TO {becomes}").as_str()).await?;
        let rewritten = rewriter.rewrite(&wanted, &mut transaction).await?;
        apply(&mut transaction, &becomes, time_zone, &rewritten.iter().collect::<Vec<_>>()).await?;
        transaction.commit().await?;
        at = batch.through();
    }
    let report = differences::report(space, head, Vec::new(), watch).await?;
    let unsold = change.unsold(space.session(), &was).await?;
    Ok(Report { unsold, ..report })
}

/// Writes a batch to both views' tables in a schema.
async fn apply(
    connection: &mut PgConnection,
    schema: &str,
    time_zone: Tz,
    events: &[&Recorded<Event>],
) -> Result<(), WhatIfError> {
    connection.execute(format!("SET LOCAL search_path TO {schema}").as_str()).await?;
    for definition in &VIEWS {
        let own: Vec<&Recorded<Event>> =
            events.iter().copied().filter(|recorded| definition.wants.has(&recorded.event)).collect();
        step::apply_events(definition, time_zone, connection, &own).await?;
    }
    Ok(())
}
