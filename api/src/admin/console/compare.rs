//! `GET /ops/projections/{name}/diff/?b=…`: a build beside the one that serves, row by row, before it serves itself.

use super::PATH;
use super::ask::of_view;
use super::deed::{Act, Deed};
use crate::admin::list::Query;
use crate::admin::texts::text;
use crate::admin::{AdminPage, Section, StaffVisit};
use crate::app::App;
use crate::auth::permission::{ReadEvents, RunSystem};
use crate::shop::Fault;
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use commands::verify::Watch;
use projections::RunError;
use projections::diff::{Cells, Compared, RowDifference, TableShape};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a comparison may take here. The command line has no such bound.
const COMPARED_AT_MOST: Duration = Duration::from_secs(30);
/// The most rows that are shown; all are counted.
const SHOWN_ROWS: usize = 100;

/// A row that is not the same in both.
struct Row {
    table: String,
    key: String,
    /// Column, and its value in each; none where that has no such row, or where history is not for whoever asks.
    cells: Vec<(String, Option<String>, Option<String>)>,
}

#[derive(Template)]
#[template(path = "admin/console_diff.html")]
struct Shown {
    page: AdminPage,
    path: &'static str,
    view: String,
    compared: Option<Compared>,
    /// Why there is no comparison.
    why: String,
    /// Tables and columns that only one has.
    shapes: Vec<String>,
    rows: Vec<Row>,
    promote: Option<Act>,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<RunSystem>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let (query, begun) = (Query::parse(query.as_deref()), Instant::now());
    let (views, view, other) = (app.views.clone(), name.clone(), query.get("b").map(str::to_owned));
    // A task of its own, so that it drops its copies also when the browser is gone, or waited for long enough.
    let cancel = CancellationToken::new();
    let _ends = cancel.clone().drop_guard();
    let task = tokio::spawn(async move {
        let mut watch = Watch { most_listed: SHOWN_ROWS, cancel: &cancel, progress: &mut |_| () };
        projections::diff::diff(&views, &view, None, other.as_deref(), Some(COMPARED_AT_MOST), &mut watch).await
    });
    let (compared, why) = match tokio::time::timeout(COMPARED_AT_MOST, task).await {
        Err(_elapsed) => (None, text("ops-diff-long")),
        Ok(Err(_panicked)) => return Err(Fault::Internal),
        Ok(Ok(Ok(compared))) => (Some(compared), String::new()),
        Ok(Ok(Err(
            error @ (RunError::NotComparable { .. }
            | RunError::OtherComparison
            | RunError::OnlyBuild { .. }
            | RunError::SameBuild { .. }),
        ))) => (None, error.to_string()),
        Ok(Ok(Err(error))) => return Err(of_view(error)),
    };
    let with_values = visit.may::<ReadEvents>();
    let rows = compared.iter().flat_map(|compared| compared.rows.listed());
    let rows = rows.map(|difference| row(difference, with_values)).collect();
    let shapes = compared.iter().flat_map(|compared| &compared.shapes).map(shape).collect();
    let promote = compared.as_ref().map(|compared| {
        let build = compared.b.schema.clone();
        Deed::Promote { view: name.clone(), build }.act()
    });
    let page = visit.page(Section::Console);
    let shown = Shown { page, path: PATH, view: name, compared, why, shapes, rows, promote };
    visit.show(&shown, begun.elapsed()).await
}

fn shape(shape: &TableShape) -> String {
    let columns = shape.only_in_a.iter().chain(&shape.only_in_b).map(String::as_str);
    format!("{}: {}", shape.table, columns.collect::<Vec<_>>().join(", "))
}

fn row(row: &RowDifference, with_values: bool) -> Row {
    let key = row.key.0.iter().map(|(column, value)| format!("{column} {value}"));
    let columns = |cells: &Option<Cells>| cells.as_ref().map(|Cells(cells)| cells.clone()).unwrap_or_default();
    let (a, b) = (columns(&row.a), columns(&row.b));
    let mut names: Vec<&String> = a.iter().chain(&b).map(|(column, _)| column).collect();
    names.sort();
    names.dedup();
    let value = |cells: &[(String, Option<String>)], name: &String| {
        cells
            .iter()
            .find(|(column, _)| with_values && column == name)
            .map(|(_, value)| value.clone().unwrap_or_else(|| "NULL".to_owned()))
    };
    let cells = names.into_iter().map(|name| (name.clone(), value(&a, name), value(&b, name))).collect();
    Row { table: row.table.clone(), key: key.collect::<Vec<_>>().join(", "), cells }
}
