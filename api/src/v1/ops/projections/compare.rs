//! `GET /v1/ops/projections/{name}/diff`: two builds, row by row, as of one position. The values of rows, which may be
//! personal, are for keys that may read history too; others learn which rows and columns differ.

use super::super::super::reads::json_of;
use super::{name, refusal};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::{ReadEvents, RunSystem};
use crate::http::query::Query;
use crate::problem::{Code, Problem};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::verify::Watch;
use projections::diff::{Cells, Compared, RowDifference, Side};
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Rows that are answered where it is not said, and at most.
pub(super) const DEFAULT_LIMIT: u32 = 20;
pub(super) const MAX_LIMIT: u32 = 1_000;

/// How long a comparison may take here. The command line has no such bound.
const COMPARED_AT_MOST: Duration = Duration::from_secs(60);

/// What two builds have in common, and what not.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BuildDiff")]
pub(crate) struct DiffResource {
    a: SideResource,
    b: SideResource,
    /// The position that both were compared at.
    position: u64,
    /// Whether both say the same.
    agree: bool,
    /// Tables that are not of one shape.
    tables: Vec<TableResource>,
    /// How many rows are not the same.
    differences: u64,
    /// The first of them.
    rows: Vec<RowResource>,
}

/// One of two builds that were compared.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ComparedBuild")]
struct SideResource {
    build: String,
    version: u32,
    rows: u64,
}

/// A table that is not of one shape in both.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TableDiff")]
struct TableResource {
    table: String,
    /// Columns, with their types.
    only_in_a: Vec<String>,
    only_in_b: Vec<String>,
    /// Whether its rows were compared, in what both have.
    compared: bool,
}

/// A row that is not the same in both.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RowDiff")]
struct RowResource {
    table: String,
    /// The columns of its primary key.
    key: BTreeMap<String, String>,
    /// The build that alone has the row, `a` or `b`; `null` where both have it.
    only_in: Option<&'static str>,
    /// Of a row that both have, the columns that differ; of one that only one has, all.
    columns: Vec<String>,
    /// Their values as PostgreSQL writes them; `null` where the build has no such row, and for a key without the scope
    /// `analyst`.
    a: Option<BTreeMap<String, Option<String>>>,
    b: Option<BTreeMap<String, Option<String>>>,
}

impl DiffResource {
    /// Values of rows are for whoever may read history.
    pub(crate) fn of(compared: &Compared, with_values: bool) -> Self {
        let side = |side: &Side| SideResource { build: side.schema.clone(), version: side.version, rows: side.rows };
        let tables = compared.shapes.iter().map(|shape| TableResource {
            table: shape.table.clone(),
            only_in_a: shape.only_in_a.clone(),
            only_in_b: shape.only_in_b.clone(),
            compared: shape.compared,
        });
        Self {
            a: side(&compared.a),
            b: side(&compared.b),
            position: compared.position.0,
            agree: compared.agree(),
            tables: tables.collect(),
            differences: compared.rows.count(),
            rows: compared.rows.listed().iter().map(|row| RowResource::of(row, with_values)).collect(),
        }
    }
}

impl RowResource {
    fn of(row: &RowDifference, with_values: bool) -> Self {
        let values = |cells: &Option<Cells>| {
            let cells = cells.as_ref().filter(|_| with_values)?;
            Some(cells.0.iter().cloned().collect())
        };
        let only_in = match (&row.a, &row.b) {
            (Some(_), None) => Some("a"),
            (None, Some(_)) => Some("b"),
            _ => None,
        };
        let columns = row.a.iter().chain(&row.b).take(1).flat_map(|Cells(cells)| cells);
        Self {
            table: row.table.clone(),
            key: row.key.0.iter().cloned().collect(),
            only_in,
            columns: columns.map(|(column, _)| column.clone()).collect(),
            a: values(&row.a),
            b: values(&row.b),
        }
    }
}

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    name::InPath(name): name::InPath,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let (a, b) = (query.raw("a"), query.raw("b"));
    let limit = query.number("limit", 0, MAX_LIMIT).unwrap_or(DEFAULT_LIMIT);
    query.finish()?;
    let (views, [a, b]) = (app.views.clone(), [a, b].map(|build| build.map(Cow::into_owned)));
    // A task of its own, so that it drops its copies also when the client has hung up, or waited for long enough.
    let cancel = CancellationToken::new();
    let _ends = cancel.clone().drop_guard();
    let task = tokio::spawn(async move {
        let mut watch = Watch { most_listed: limit as usize, cancel: &cancel, progress: &mut |_| () };
        projections::diff::diff(&views, &name, a.as_deref(), b.as_deref(), Some(COMPARED_AT_MOST), &mut watch).await
    });
    let ended = tokio::time::timeout(COMPARED_AT_MOST, task).await.map_err(|_elapsed| too_long())?;
    let compared = ended.map_err(|_panicked| Problem::internal())?.map_err(refusal::problem)?;
    json_of(&DiffResource::of(&compared, allowed.also::<ReadEvents>()))
}

fn too_long() -> Problem {
    let detail = format!(
        "The builds are too large to be compared within {COMPARED_AT_MOST:?}: run `orders projections diff`, which takes \
         its time."
    );
    Problem::new(Code::BuildUnfit, detail)
}
