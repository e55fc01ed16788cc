//! Having an issue go out: now, or at an hour; and keeping it from going out at that.

use super::super::fields::version;
use super::issue::{Shown, shown};
use super::{Acting, form, known, path};
use crate::admin::acting::{Ask, Refusal, caught_up};
use crate::admin::texts::text;
use crate::admin::{Notice, StaffForm};
use crate::app::App;
use crate::problem::{Problem, within};
use crate::scheduled;
use crate::shop::Fault;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use commands::Snapshot;
use commands::schedule::Decided;
use domain::ids::IssueId;
use domain::newsletter::{Command, Newsletter};
use projections::Projection;
use projections::newsletters::Newsletters;
use std::sync::Arc;

/// As a field of type `datetime-local` sends it (HTML, section 2.3.5.5), with seconds or without.
const LOCAL_TIMES: [&str; 2] = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    acting: Acting,
    Path(id): Path<String>,
    posted: StaffForm,
) -> Result<Response, Fault> {
    let (id, snapshot) = known(&app, &id).await?;
    let seen = version(posted.get("version")).ok_or(Fault::Invalid)?;
    let hour = match posted.get("act") {
        Some("now") => None,
        Some("schedule") => Some(posted.get("hour").unwrap_or_default()),
        _ => return Err(Fault::Invalid),
    };
    match hour {
        None => now(&app, &acting, id, seen).await,
        Some(hour) => at(&app, &acting, id, &snapshot, seen, hour).await,
    }
}

/// What goes out is what was looked at.
async fn now(app: &App, acting: &Acting, id: IssueId, seen: u64) -> Result<Response, Fault> {
    match acting.submit::<Newsletter>(app, Ask::on(id.to_string(), Command::Release, Some(seen))).await? {
        Ok(done) => {
            caught_up(app, Newsletters::NAME, done.position).await;
            // Nothing is left for its hour to do.
            take_off(app, acting, id).await?;
            acting.tell(app, Notice::good(text("issue-was-released"))).await?;
        }
        Err(Refusal::Rejected(rejection)) => acting.tell(app, Notice::bad(rejection.to_string())).await?,
        Err(Refusal::Changed(_)) => acting.tell(app, Notice::warn(text("issue-changed-look-again"))).await?,
        Err(Refusal::SentBefore) => return Err(Fault::Internal),
    }
    acting.see_other(&path(id))
}

async fn at(
    app: &App,
    acting: &Acting,
    id: IssueId,
    snapshot: &Snapshot<Newsletter>,
    seen: u64,
    hour: &str,
) -> Result<Response, Fault> {
    let content = snapshot.state.content().ok_or(Fault::NotFound)?;
    if snapshot.version != seen || snapshot.state.is_released() {
        acting.tell(app, Notice::warn(text("issue-changed-look-again"))).await?;
        return acting.see_other(&path(id));
    }
    let time = parse(hour, app.views.time_zone()).filter(|time| *time > acting.now());
    let Some(time) = time else {
        let shown = shown(app, acting, id, snapshot, form::of(content)).await?;
        let hour_error = Some(text("issue-hour-wrong"));
        return acting.show_refused(&Shown { hour_error, hour: hour.chars().take(40).collect(), ..shown }).await;
    };
    let actor = acting.me.actor();
    let is_new = within(scheduled::put_release(app.members.schedule(), id, seen, time, &actor)).await?;
    let notice = if is_new {
        Notice::good(text("issue-was-scheduled"))
    } else {
        Notice::bad(text("issue-is-scheduled-already"))
    };
    acting.tell(app, notice).await?;
    acting.see_other(&path(id))
}

/// A time of the shop's own clocks; `None` for one that they never show. Of one that they show twice it is the first.
fn parse(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let local = LOCAL_TIMES.iter().find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok())?;
    Some(zone.from_local_datetime(&local).earliest()?.with_timezone(&Utc))
}

pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    acting: Acting,
    Path(id): Path<String>,
    _posted: StaffForm,
) -> Result<Response, Fault> {
    let (id, _) = known(&app, &id).await?;
    let notice = if take_off(&app, &acting, id).await? {
        Notice::good(text("issue-was-cancelled"))
    } else {
        Notice::warn(text("issue-was-not-scheduled"))
    };
    acting.tell(&app, notice).await?;
    acting.see_other(&path(id))
}

/// Takes an issue off the schedule; says whether it was on it.
async fn take_off(app: &App, acting: &Acting, id: IssueId) -> Result<bool, Fault> {
    let schedule = app.members.schedule();
    let mut is_off = false;
    for job in within(scheduled::releases(schedule, &[id.to_string()])).await? {
        let decided = schedule.cancel(job.id, &acting.me.actor()).await.map_err(Problem::from)?;
        is_off |= decided == Decided::Done;
    }
    Ok(is_off)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_of_the_shop_s_own_clocks() {
        let zone = chrono_tz::Europe::Berlin;
        let at = |text| parse(text, zone).map(|time| time.to_rfc3339());
        assert_eq!(at("2026-07-01T09:00").as_deref(), Some("2026-07-01T07:00:00+00:00"));
        assert_eq!(at("2026-12-01T09:00:30").as_deref(), Some("2026-12-01T08:00:30+00:00"));
        assert_eq!(at("2026-10-25T02:30").as_deref(), Some("2026-10-25T00:30:00+00:00"), "shown twice");
        for wrong in ["", "tomorrow", "2026-07-01", "2026-03-29T02:30", "2026-07-01T09:00Z"] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}
