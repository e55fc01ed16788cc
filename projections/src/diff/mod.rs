//! Compares two builds of a view row by row: before one is promoted, or to see what a rebuild changed.
//!
//! Both are copied as one snapshot has them, and the copy that is behind is brought up to the position of the other by
//! the projection's own code; the builds themselves are not touched, and go on. So the two are compared as of one
//! position, however quickly the log grows. Where the one behind is of a version that this program does not make, it is
//! waited for. Copies take room and work: one comparison is on at a time in a database, and cancelled, it ends at once.

mod compare;
mod copies;

pub use compare::{Cells, RowDifference, TableShape};

use crate::build::{self, Build};
use crate::cut::CutOff;
use crate::error::RunError;
use crate::projection::Definition;
use crate::verify::Scratch;
use crate::views::Views;
use commands::db;
use commands::verify::{Found, Watch};
use domain::Position;
use std::time::Duration;

/// One of two builds that were compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Its schema.
    pub schema: String,
    /// Of which version of the view it is.
    pub version: u32,
    /// How many rows its tables have.
    pub rows: u64,
}

/// What two builds have in common, and what not.
#[derive(Debug)]
pub struct Compared {
    /// The build that the other is compared with.
    pub a: Side,
    /// The other.
    pub b: Side,
    /// The position that both were compared at.
    pub position: Position,
    /// Tables and columns that only one of them has. Only what both have is compared by rows.
    pub shapes: Vec<TableShape>,
    /// Rows that are not the same.
    pub rows: Found<RowDifference>,
}

impl Compared {
    /// Whether both say the same.
    pub fn agree(&self) -> bool {
        self.shapes.is_empty() && self.rows.count() == 0
    }
}

/// Compares the builds `a` and `b` of the view `name`, each named by its schema. Without `a` it is the one that serves,
/// without `b` the newest other; where only one is named, it is compared with the one that serves. No statement of it
/// goes on for longer than `at_most`. [`RunError::OtherComparison`] while somebody compares builds already.
pub async fn diff(
    views: &Views,
    name: &str,
    a: Option<&str>,
    b: Option<&str>,
    at_most: Option<Duration>,
    watch: &mut Watch<'_>,
) -> Result<Compared, RunError> {
    let definition = views.entry(name)?.definition;
    let (a, b) = choose(views, definition, a, b).await?;
    if a.log != b.log {
        return Err(not_comparable(&a, &b, "they were made from different logs".to_owned()));
    }
    let mut scratch = Scratch::open(views.pool()).await?;
    let outcome = alone(views, &mut scratch, definition, [a, b], at_most, watch).await;
    // Also after a failure: what was copied is dropped.
    let closed = scratch.close().await;
    let outcome = match outcome {
        Err(RunError::Database(_)) if watch.cancel.is_cancelled() => Err(RunError::Cancelled),
        outcome => outcome,
    }?;
    closed?;
    Ok(outcome)
}

/// Compares while nobody else does.
async fn alone(
    views: &Views,
    scratch: &mut Scratch,
    definition: &'static Definition,
    builds: [Build; 2],
    at_most: Option<Duration>,
    watch: &mut Watch<'_>,
) -> Result<Compared, RunError> {
    // Until the session ends.
    let lock = "SELECT pg_try_advisory_lock(hashtextextended('orders diff', 0))";
    let is_alone: bool = sqlx::query_scalar(lock).fetch_one(&mut scratch.session).await?;
    if !is_alone {
        return Err(RunError::OtherComparison);
    }
    scratch.bound(at_most).await?;
    // A copy may take minutes.
    let cut_off = CutOff::when(watch.cancel, views.pool(), &mut scratch.session).await?;
    let outcome = compared(views, scratch, definition, builds, watch).await;
    cut_off.end().await;
    // What is dropped afterwards is dropped whole.
    scratch.bound(None).await?;
    outcome
}

async fn compared(
    views: &Views,
    scratch: &mut Scratch,
    definition: &'static Definition,
    builds: [Build; 2],
    watch: &mut Watch<'_>,
) -> Result<Compared, RunError> {
    let copies = copies::at_one_position(views.log(), scratch, definition, builds, watch).await?;
    Ok(compare::compare(scratch, &copies, watch).await?)
}

/// The builds that are meant.
async fn choose(
    views: &Views,
    definition: &Definition,
    a: Option<&str>,
    b: Option<&str>,
) -> Result<(Build, Build), RunError> {
    let name = definition.name;
    let named = async |schema: &str| {
        let found = build::of_schema(views.pool(), name, schema).await?;
        found.ok_or_else(|| RunError::NoBuild { name, build: schema.to_owned() })
    };
    let two = |a: Build, b: Build| {
        if a.schema == b.schema { Err(RunError::SameBuild { build: a.schema }) } else { Ok((a, b)) }
    };
    if let (Some(a), Some(b)) = (a, b) {
        return two(named(a).await?, named(b).await?);
    }
    let active = db::read(views.pool(), async |session| build::active(session, name).await).await?;
    let active = active.ok_or_else(|| RunError::NoBuild { name, build: "that serves".to_owned() })?;
    let other = match a.or(b) {
        Some(schema) => named(schema).await?,
        None => {
            let newest = build::newest_besides(views.pool(), name, &active.schema).await?;
            newest.ok_or_else(|| RunError::OnlyBuild { name, build: active.schema.clone() })?
        }
    };
    two(active, other)
}

fn not_comparable(a: &Build, b: &Build, reason: String) -> RunError {
    RunError::NotComparable { a: a.schema.clone(), b: b.schema.clone(), reason }
}
