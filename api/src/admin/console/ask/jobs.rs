//! About jobs of the schedule.

use super::Question;
use crate::admin::texts::{text, text_with};
use crate::app::App;
use crate::problem::within;
use crate::shop::Fault;

pub(super) async fn cancel(app: &App, id: i64) -> Result<Question, Fault> {
    let schedule = app.members.schedule();
    let found = within(schedule.list(id.saturating_sub(1), 1, false)).await?;
    let job = found.into_iter().find(|job| job.id == id).ok_or(Fault::NotFound)?;
    let named = || [("id", format!("#{id}").into()), ("task", job.task.clone().into())];
    let mut question = Question::new(
        text_with("ops-cancel-title", &named()),
        text(if job.every_s.is_some() { "ops-cancel-periodic" } else { "ops-cancel-words" }),
        text_with("ops-cancel-do", &named()),
    );
    question.destroys = true;
    question.facts = vec![
        (text("job-task"), job.task.clone()),
        (text("ops-key"), job.key.clone()),
        (text("job-state"), text(&format!("job-{}", job.state.as_str()))),
        (text("job-error"), job.last_error.clone().unwrap_or_default()),
    ];
    Ok(question)
}
