//! About consumer groups.

use super::super::board::events;
use super::Question;
use crate::admin::form::Form;
use crate::admin::list::Query;
use crate::admin::texts::{text, text_with};
use crate::app::App;
use crate::ops::steering::NotCounted;
use crate::problem::{Problem, within};
use crate::shop::Fault;
use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use consumers::groups::{self, GroupError, Preview, To, pause::MAX_REASON_CHARS};
use domain::Position;

pub(super) async fn pause(app: &App, name: &str) -> Result<Question, Fault> {
    let group = within(groups::get(&app.log, name)).await?;
    let named = || [("group", name.to_owned().into())];
    let mut question = Question::new(
        text_with("ops-pause-title", &named()),
        text("ops-pause-words"),
        text_with("ops-pause-do", &named()),
    );
    question.facts = vec![
        (text("ops-lag"), events(group.lag)),
        (text("ops-waiting"), group.counted(group.waiting)),
        (text("ops-members"), group.members.len().to_string()),
    ];
    question.form =
        Form::new().text("reason", text("ops-pause-reason"), MAX_REASON_CHARS).hint(text("ops-no-personal"));
    Ok(question)
}

/// First where to, then what that would mean.
pub(super) async fn rewind(app: &App, query: &Query, name: &str) -> Result<Question, Fault> {
    let group = within(groups::get(&app.log, name)).await?;
    let zone = app.views.time_zone();
    let title = text_with("ops-rewind-title", &[("group", name.to_owned().into())]);
    let where_to = |error: Option<String>| {
        let mut question = Question::new(title.clone(), text("ops-rewind-words"), text("ops-rewind-preview"));
        let hint = text_with("ops-rewind-hint", &[("zone", zone.name().into())]);
        question.form = Form::new().text("to", text("ops-rewind-to"), 40).hint(hint);
        question.form.fields.iter_mut().for_each(|field| {
            field.value = query.get("to").unwrap_or_default().to_owned();
            field.error.clone_from(&error);
        });
        question.facts = group
            .partitions
            .iter()
            .map(|partition| (format!("{} {}", partition.topic, partition.partition), partition.position.to_string()))
            .collect();
        question.asks_again = true;
        question
    };
    let Some(to) = query.get("to") else { return Ok(where_to(None)) };
    let Some(to) = read(to, zone) else { return Ok(where_to(Some(text("ops-rewind-wrong")))) };
    match previewed(app, name, to).await? {
        Ok(preview) if preview.is_empty() => Ok(where_to(Some(text("ops-rewind-nothing")))),
        Ok(preview) => Ok(confirm(name, title, &preview)),
        Err(why) => Ok(where_to(Some(why))),
    }
}

/// A preview, or why there is none that a person can do something about.
async fn previewed(app: &App, name: &str, to: To) -> Result<Result<Preview, String>, Fault> {
    match app.steering.preview(&app.log, name, to).await {
        Ok(preview) => Ok(Ok(preview)),
        Err(NotCounted::TooLong) => Ok(Err(text("ops-rewind-long"))),
        Err(NotCounted::Group(error @ (GroupError::BeyondHead { .. } | GroupError::TopicsUnknown(_)))) => {
            Ok(Err(error.to_string()))
        }
        Err(why) => Err(Problem::from(why).into()),
    }
}

fn confirm(name: &str, title: String, preview: &Preview) -> Question {
    let said = || [("group", name.to_owned().into()), ("events", preview.events.into()), ("acts", preview.acts.into())];
    let mut question =
        Question::new(title, text_with("ops-rewind-would", &said()), text_with("ops-rewind-do", &said()));
    question.destroys = preview.acts > 0;
    question.facts = vec![
        (text("ops-rewind-behind"), preview.position.to_string()),
        (text("ops-rewind-events"), preview.events.to_string()),
        (text("ops-rewind-acts"), preview.acts.to_string()),
    ];
    question.hidden = vec![("token", preview.token())];
    question
}

/// A position, or a time of the shop's clock such as `2026-01-31 08:00`, or of any by RFC 3339.
fn read(to: &str, zone: Tz) -> Option<To> {
    if let Ok(position) = to.parse::<u64>() {
        return i64::try_from(position).is_ok().then_some(To::Position(Position(position)));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(to) {
        return Some(To::Time(time.with_timezone(&Utc)));
    }
    let local = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"].into_iter();
    let local = local.filter_map(|format| NaiveDateTime::parse_from_str(to, format).ok()).next();
    let local = local.or_else(|| Some(to.parse::<chrono::NaiveDate>().ok()?.and_time(chrono::NaiveTime::MIN)))?;
    Some(To::Time(zone.from_local_datetime(&local).earliest()?.with_timezone(&Utc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_back_to_a_position_or_a_time() {
        let time = |text: &str| To::Time(text.parse().unwrap());
        let read = |text| read(text, chrono_tz::Europe::Berlin);
        assert_eq!(read("0"), Some(To::Position(Position(0))));
        assert_eq!(read("2026-01-31 08:00"), Some(time("2026-01-31T07:00:00Z")));
        assert_eq!(read("2026-07-31 08:00:30"), Some(time("2026-07-31T06:00:30Z")));
        assert_eq!(read("2026-01-31"), Some(time("2026-01-30T23:00:00Z")));
        assert_eq!(read("2026-01-31T08:00:00Z"), Some(time("2026-01-31T08:00:00Z")));
        for wrong in ["", "-1", "yesterday", "99999999999999999999", "2026-02-30"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
