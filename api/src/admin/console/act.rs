//! `POST /ops/`: does what was asked for, and tells what came of it on the page that follows.

use super::deed::{BACK, Deed, way_back};
use crate::admin::texts::{text, text_with};
use crate::admin::{Notice, StaffForm, StaffVisit};
use crate::app::App;
use crate::auth::permission::RunSystem;
use crate::ops::steering::{Exchange, Exchanged, NotCounted};
use crate::problem::Problem;
use crate::shop::Fault;
use axum::extract::State;
use axum::response::Response;
use commands::schedule::Decided as JobDecided;
use consumers::groups::{self, GroupError, Instructed, Preview, Rewound};
use consumers::parked::{self, Decided, Decision, Filter, Many};
use projections::RunError;
use std::sync::Arc;

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<RunSystem>,
    form: StaffForm,
) -> Result<Response, Fault> {
    let deed = form.get("do").and_then(Deed::parse).ok_or(Fault::Invalid)?;
    let who = visit.me.actor();
    let notice = match deed {
        Deed::Item(decision, id) => item(&app, decision, id, &who).await?,
        Deed::Items(decision, filter) => {
            let expected = form.get("count").and_then(|count| count.parse().ok()).ok_or(Fault::Invalid)?;
            items(&app, decision, &filter, expected, &who).await?
        }
        Deed::Pause(group) => {
            let reason = form.get("reason").map(str::trim).filter(|reason| !reason.is_empty());
            instructed(
                groups::pause(app.log.pool(), &group, reason.ok_or(Fault::Invalid)?, &who).await,
                "ops-now-paused",
            )?
        }
        Deed::Resume(group) => instructed(groups::resume(app.log.pool(), &group, &who).await, "ops-now-resumed")?,
        Deed::Rewind(group) => {
            let preview = form.get("token").and_then(Preview::of_token).filter(|preview| preview.consumer == group);
            rewind(&app, &preview.ok_or(Fault::Invalid)?, &who).await?
        }
        Deed::WithdrawRewind(group) => withdraw(&app, &group, &who).await?,
        Deed::Rebuild(view) => rebuild(&app, &view, form.get("promote").is_some(), &who).await?,
        Deed::Promote { view, build } => exchange(&app, view, Some(build), form.get("active"), who).await?,
        Deed::RollBack(view) => exchange(&app, view, None, form.get("active"), who).await?,
        Deed::RunJob(id) => job(&app, id, true, &who).await?,
        Deed::CancelJob(id) => job(&app, id, false, &who).await?,
    };
    visit.tell(&app, notice).await?;
    visit.see_other(way_back(form.get(BACK)))
}

async fn item(app: &App, decision: Decision, id: i64, who: &str) -> Result<Notice, Fault> {
    let decided = match decision {
        Decision::Retry => parked::retry(app.log.pool(), id, who).await,
        Decision::Discard => parked::discard(app.log.pool(), id, who).await,
    };
    Ok(match decided.map_err(Problem::from)? {
        Decided::Done => done(decision, 1),
        Decided::NotParked => Notice::warn(text("ops-not-parked")),
    })
}

async fn items(app: &App, decision: Decision, filter: &Filter, expected: u64, who: &str) -> Result<Notice, Fault> {
    let decided = parked::decide_all(app.log.pool(), filter, decision, expected, who).await;
    Ok(match decided.map_err(Problem::from)? {
        Many::Done(count) => done(decision, count),
        Many::Changed(count) => Notice::warn(text_with("ops-count-changed", &[("count", count.into())])),
        Many::TooMany => Notice::warn(text("ops-too-many")),
        Many::NotDiscarded => Notice::warn(text("ops-not-discarded")),
    })
}

fn done(decision: Decision, count: u64) -> Notice {
    let id = match decision {
        Decision::Retry => "ops-now-retried",
        Decision::Discard => "ops-now-discarded",
    };
    Notice::good(text_with(id, &[("count", count.into())]))
}

fn instructed(outcome: Result<Instructed, GroupError>, id: &str) -> Result<Notice, Fault> {
    Ok(match outcome.map_err(Problem::from)? {
        Instructed::Done => Notice::good(text(id)),
        Instructed::AlreadySo => Notice::warn(text("ops-already-so")),
    })
}

async fn rewind(app: &App, preview: &Preview, who: &str) -> Result<Notice, Fault> {
    let said = |preview: &Preview| [("events", preview.events.into()), ("acts", preview.acts.into())];
    Ok(match app.steering.rewind(&app.log, preview, who).await {
        Ok(Rewound::Instructed) => Notice::good(text_with("ops-now-rewound", &said(preview))),
        Ok(Rewound::Changed(now)) => Notice::warn(text_with("ops-preview-changed", &said(&now))),
        Err(NotCounted::TooLong) => Notice::warn(text("ops-rewind-long")),
        Err(why) => return Err(Problem::from(why).into()),
    })
}

async fn withdraw(app: &App, group: &str, who: &str) -> Result<Notice, Fault> {
    let partitions = groups::withdraw_rewind(app.log.pool(), group, who).await.map_err(Problem::from)?;
    Ok(match partitions {
        0 => Notice::warn(text("ops-nothing-to-withdraw")),
        count => Notice::good(text_with("ops-now-withdrawn", &[("count", count.into())])),
    })
}

async fn rebuild(app: &App, view: &str, promotes: bool, who: &str) -> Result<Notice, Fault> {
    match projections::ask_for_build(&app.views, view, who, promotes).await {
        Ok(build) => Ok(Notice::good(text_with("ops-now-building", &[("build", build.into())]))),
        Err(error) => refused(error),
    }
}

/// Has another build serve: that one, or the one before. It goes on by itself where that takes long.
async fn exchange(
    app: &App,
    view: String,
    build: Option<String>,
    active: Option<&str>,
    who: String,
) -> Result<Notice, Fault> {
    let expected = active.filter(|active| !active.is_empty()).map(str::to_owned);
    match app.steering.exchange(&app.views, Exchange { view, build, expected, by: who }).await? {
        Exchanged::Served => Ok(Notice::good(text("ops-now-serves"))),
        Exchanged::GoesOn => Ok(Notice::good(text("ops-goes-on"))),
        Exchanged::Refused(error) => refused(error),
    }
}

/// What is refused is told in the error's own words, which are for whoever runs the system.
fn refused(error: RunError) -> Result<Notice, Fault> {
    match error {
        error @ (RunError::Database(_) | RunError::Log(_) | RunError::UnknownProjection { .. }) => {
            Err(super::ask::of_view(error))
        }
        error => Ok(Notice::bad(error.to_string())),
    }
}

async fn job(app: &App, id: i64, runs: bool, who: &str) -> Result<Notice, Fault> {
    let schedule = app.members.schedule();
    let decided = if runs { schedule.run_now(id, who).await } else { schedule.cancel(id, who).await };
    Ok(match decided.map_err(Problem::from)? {
        JobDecided::Done => Notice::good(text(if runs { "job-runs" } else { "job-was-cancelled" })),
        JobDecided::NotPossible => Notice::warn(text("job-not-possible")),
    })
}
