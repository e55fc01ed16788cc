//! The part of the console that changes: what is read, and how it is shown. It is the same for everybody.
//!
//! - [`numbers`]: the line at the top. [`views`], [`groups`]: what reads the log and Kafka. [`parked`]: what needs a
//!   person.
//! - [`tasks`], [`jobs`]: the schedule. [`instances`]: which processes run, and what they lead. [`audit`]: who did
//!   what.
//! - [`rates`]: how quickly something goes on. [`spark`]: the last hour of a number.

mod audit;
mod groups;
mod instances;
mod jobs;
mod numbers;
mod parked;
mod rates;
mod spark;
mod tasks;
mod views;

use super::state::State;
use rates::Rates;

pub(super) use groups::events;

use crate::admin::AdminPage;
use crate::admin::page::Place;
use crate::app::App;
use crate::ops::status::{History, ReaderKind, ReaderStatus, Sample, Stalled, Status};
use crate::problem::within;
use crate::shop::{Fault, rendered};
use askama::Template;
use commands::lead::{self, HeldLease};
use consumers::groups::Group;
use domain::Position;
use projections::ViewOverview;
use std::sync::Arc;
use std::time::Instant;

/// How far back the small charts go.
const SHOWN_MINUTES: u64 = 60;

#[derive(Template)]
#[template(path = "admin/console_board.html")]
struct Board {
    page: AdminPage,
    stalled: Vec<Stalled>,
    numbers: Vec<numbers::Number>,
    views: Vec<views::View>,
    groups: Vec<groups::Row>,
    parked: parked::Parked,
    tasks: Vec<tasks::Row>,
    jobs: Vec<jobs::Row>,
    instances: Vec<instances::Row>,
    actions: Vec<audit::Row>,
}

/// What was read of everything.
struct Found {
    head: Position,
    views: Vec<ViewOverview>,
    leases: Vec<HeldLease>,
    groups: Arc<Vec<Group>>,
    /// What this process knows of commands, and of what it runs itself.
    status: Arc<Status>,
    history: History,
}

/// What is kept from one drawing to the next.
#[derive(Default)]
pub(super) struct Memory {
    rates: Rates,
}

/// Reads how everything is, and shows it.
pub(super) async fn draw(app: &App, memory: &mut Memory) -> Result<String, Fault> {
    let now = app.settings().sessions.clock.now();
    let pool = app.log.pool();
    let (head, views) = within(projections::overview(&app.views)).await?;
    let leases = within(lead::held(pool)).await?;
    let groups = within(app.monitor.groups()).await?;
    let (status, history) = (within(app.monitor.status()).await?, app.monitor.history(SHOWN_MINUTES));
    let found = Found { head, views, leases, groups, status, history };
    let rates = &mut memory.rates;
    rates.see(Instant::now(), found.positions());
    let place = Place { frame: app.frame.clone(), time_zone: app.views.time_zone(), here: super::PATH.to_owned(), now };
    let page = AdminPage::open(place);
    let board = Board {
        stalled: found.status.stalled.clone(),
        numbers: numbers::of(&found.status, &found.history),
        views: views::of(&page, &found, rates),
        groups: groups::of(&page, &found),
        parked: parked::find(app, &page).await?,
        tasks: tasks::of(&page, &found),
        jobs: jobs::find(app).await?,
        instances: instances::find(app, &page, &found).await?,
        actions: audit::find(app).await?,
        page,
    };
    rendered(&board)
}

impl Found {
    /// How far everything is, by names of its own.
    fn positions(&self) -> Vec<(String, u64)> {
        let builds = self.views.iter().flat_map(|view| &view.builds);
        let builds = builds.map(|build| (build.schema.clone(), build.position.0));
        builds.collect()
    }

    /// What this process knows of a reader.
    fn reader(&self, kind: ReaderKind, name: &str) -> Option<&ReaderStatus> {
        self.status.readers.iter().find(|reader| reader.kind == kind && reader.name == name)
    }

    /// How many jobs of a task were due within the last hour, as a line.
    fn due_within_hour(&self, task: &str) -> String {
        let of_task = |sample: &Sample| {
            let sample = sample.tasks.iter().find(|sample| sample.task == task)?;
            // Far below 2^53.
            Some(sample.due as f64)
        };
        spark::points(&self.history.samples.iter().map(of_task).collect::<Vec<_>>())
    }

    /// How many events a reader was behind within the last hour, as a line.
    fn hour_of(&self, kind: ReaderKind, name: &str) -> String {
        let of_reader = |sample: &Sample| {
            let reader = sample.readers.iter().find(|reader| reader.kind == kind && reader.name == name)?;
            reader.lag_events.map(|events| events as f64)
        };
        spark::points(&self.history.samples.iter().map(of_reader).collect::<Vec<_>>())
    }
}
