//! `/admin/schedule/`: work at a given time, and periodic work. What a job needs to know is not shown: it may be
//! personal.

use crate::admin::acting::{self, Outcome};
use crate::admin::bulk::{self, RowOutcome};
use crate::admin::list::{Filters, Pager, Query};
use crate::admin::texts::{text, text_with};
use crate::admin::{AdminPage, Section, StaffForm, StaffVisit};
use crate::app::App;
use crate::auth::permission::RunSystem;
use crate::http::{Produces, Routes};
use crate::problem::{Problem, within};
use crate::shop::{Fault, with_slash};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use commands::schedule::{Decided, Job, JobState};
use std::sync::Arc;
use std::time::Duration;

const PATH: &str = "/admin/schedule/";
const PAGE_ROWS: u32 = 50;

type Visit = StaffVisit<RunSystem>;
type Acting = acting::Acting<RunSystem>;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.route(PATH, Produces::Html, get(list).post(act)).always("/admin/schedule", Produces::Html, get(with_slash))
}

struct Row {
    job: Job,
    state: String,
    /// The class that shows the state.
    tone: &'static str,
    every: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/schedule.html")]
struct List {
    page: AdminPage,
    filters: Filters,
    pager: Pager,
    rows: Vec<Row>,
}

async fn list(State(app): State<Arc<App>>, visit: Visit, RawQuery(raw): RawQuery) -> Result<Response, Fault> {
    let query = Query::parse(raw.as_deref());
    let all = query.get("ended") == Some("yes");
    let after = query.after().and_then(|id| id.parse().ok()).unwrap_or(0);
    let jobs = within(app.members.schedule().list(after, PAGE_ROWS, all)).await?;
    // A full page may be the last one; the next is empty then.
    let is_full = jobs.len() == PAGE_ROWS as usize;
    let next = jobs.last().filter(|_| is_full).map(|job| job.id.to_string());
    let count = text_with("goods-shown", &[("count", jobs.len().into())]);
    let shown = List {
        page: visit.page(Section::Schedule),
        filters: Filters::new(PATH, &query).choices(text("job-which"), "ended", &[("yes", text("job-ended-too"))]),
        pager: Pager::new(PATH, &query, count, next.as_deref()),
        rows: jobs.into_iter().map(row).collect(),
    };
    visit.show(&shown, Duration::ZERO).await
}

fn row(job: Job) -> Row {
    let tone = match job.state {
        JobState::Waiting | JobState::Running | JobState::Sending => "soft",
        JobState::Done => "good",
        JobState::Failed => "bad",
        JobState::Unknown => "",
        JobState::Cancelled => "soft",
    };
    let every = job.every_s.map(|seconds| {
        let (id, count) =
            if seconds % 60 == 0 { ("job-every-minutes", seconds / 60) } else { ("job-every-seconds", seconds) };
        text_with(id, &[("count", count.into())])
    });
    Row { state: text(&format!("job-{}", job.state.as_str())), tone, every, job }
}

async fn act(State(app): State<Arc<App>>, acting: Acting, posted: StaffForm) -> Result<Response, Fault> {
    let cancels = match posted.get("act") {
        Some("cancel") => true,
        Some("run") => false,
        _ => return Err(Fault::Invalid),
    };
    let acting = Arc::new(acting);
    match bulk::chosen(&posted, |id| id.parse().ok())? {
        Ok(jobs) => {
            let work = move |app, acting, id| on_one(app, acting, id, cancels);
            bulk::on_each(&app, &acting, None, jobs, work).await?;
        }
        Err(notice) => acting.tell(&app, notice).await?,
    }
    acting.see_other(PATH)
}

async fn on_one(app: Arc<App>, acting: Arc<Acting>, id: i64, cancels: bool) -> RowOutcome {
    let (schedule, who) = (app.members.schedule(), acting.me.actor());
    let decided = if cancels { schedule.cancel(id, &who).await } else { schedule.run_now(id, &who).await };
    let outcome = match decided.map_err(Problem::from)? {
        Decided::Done => Outcome::good(text(if cancels { "job-was-cancelled" } else { "job-runs" })),
        Decided::NotPossible => Outcome::bad(text("job-not-possible")),
    };
    Ok((format!("#{id}"), outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_words() {
        for state in JobState::ALL {
            let id = format!("job-{}", state.as_str());
            assert_ne!(text(&id), id);
        }
    }
}
