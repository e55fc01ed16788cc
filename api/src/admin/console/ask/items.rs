//! About what is parked, or of unknown outcome.

use super::super::parked::asked;
use super::Question;
use crate::admin::texts::{text, text_with};
use crate::app::App;
use crate::problem::within;
use crate::shop::Fault;
use consumers::parked::{self, Decision, Filter};

/// One item.
pub(super) async fn one(app: &App, decision: Decision, id: i64) -> Result<Question, Fault> {
    let found = within(parked::show(&app.log, id)).await?.ok_or(Fault::NotFound)?;
    let (item, id) = (found.item, format!("#{id}"));
    let (title, words, button) = match decision {
        Decision::Retry => ("ops-retry-one", "ops-retry-words", "ops-retry"),
        Decision::Discard => ("ops-discard-one", "ops-discard-words", "ops-discard"),
    };
    let mut question = Question::new(text_with(title, &[("id", id.into())]), text(words), text(button));
    question.destroys = decision == Decision::Discard;
    question.facts = vec![
        (text("ops-consumer"), item.consumer),
        (text("ops-event"), item.event_type),
        (text("ops-of"), item.aggregate_id),
        (text("ops-reason"), item.reason.unwrap_or_default()),
        (text("ops-held"), item.holds.to_string()),
    ];
    question.see = Some((format!("/ops/parked/{}/", item.id), text("ops-look-at-item")));
    Ok(question)
}

/// All that a filter finds.
pub(super) async fn all(app: &App, decision: Decision, filter: &Filter) -> Result<Question, Fault> {
    let count = within(parked::count(app.log.pool(), filter)).await?;
    let is_of_consumer = *filter == Filter { consumer: filter.consumer.clone(), ..Filter::default() };
    let (title, words, button) = match decision {
        Decision::Retry if is_of_consumer => ("ops-retry-all", "ops-retry-words", "ops-retry-count"),
        Decision::Retry => ("ops-retry-found", "ops-retry-words", "ops-retry-count"),
        Decision::Discard if is_of_consumer => ("ops-discard-all", "ops-discard-words", "ops-discard-count"),
        Decision::Discard => ("ops-discard-found", "ops-discard-words", "ops-discard-count"),
    };
    let whose = filter.consumer.clone().unwrap_or_else(|| text("ops-all-consumers"));
    let count_of = || [("count", count.into()), ("consumer", whose.clone().into())];
    let mut question = Question::new(text_with(title, &count_of()), text(words), text_with(button, &count_of()));
    question.destroys = decision == Decision::Discard;
    question.facts = asked::described(filter);
    question.hidden = vec![("count", count.to_string())];
    Ok(question)
}
