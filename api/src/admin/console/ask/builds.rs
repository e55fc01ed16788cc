//! About builds of read models.

use super::{Question, of_view};
use crate::admin::form::Form;
use crate::admin::texts::{text, text_with};
use crate::app::App;
use crate::problem::within;
use crate::shop::Fault;
use projections::{BuildOverview, BuildState, RunError, ViewOverview};

pub(super) async fn rebuild(app: &App, name: &str) -> Result<Question, Fault> {
    let (view, head) = view(app, name).await?;
    let named = || [("view", name.to_owned().into()), ("events", head.into())];
    let mut question = Question::new(
        text_with("ops-rebuild-title", &named()),
        text_with("ops-rebuild-words", &named()),
        text_with("ops-rebuild-do", &named()),
    );
    question.facts = serving(&view).map(of_build).unwrap_or_default();
    question.form = Form::new().checkbox("promote", text("ops-rebuild-promote"));
    Ok(question)
}

pub(super) async fn promote(app: &App, name: &str, schema: &str) -> Result<Question, Fault> {
    let (view, _) = view(app, name).await?;
    let build = view.builds.iter().find(|build| build.schema == schema).ok_or(Fault::NotFound)?;
    Ok(exchange("ops-promote", &view, build))
}

pub(super) async fn roll_back(app: &App, name: &str) -> Result<Question, Fault> {
    let (view, _) = view(app, name).await?;
    let retired = view.builds.iter().filter(|build| build.state == BuildState::Retired);
    let build = retired.max_by_key(|build| build.since).ok_or(Fault::NotFound)?;
    Ok(exchange("ops-rollback", &view, build))
}

/// Another build is to serve.
fn exchange(id: &str, view: &ViewOverview, build: &BuildOverview) -> Question {
    let active = serving(view);
    let said = || {
        [
            ("view", view.name.clone().into()),
            ("build", build.schema.clone().into()),
            ("active", active.map_or_else(String::new, |active| active.schema.clone()).into()),
            ("events", build.lag_events.into()),
        ]
    };
    let mut question = Question::new(
        text_with(&format!("{id}-title"), &said()),
        text_with("ops-exchange-words", &said()),
        text_with(&format!("{id}-do"), &said()),
    );
    question.facts = of_build(build);
    question.hidden = vec![("active", active.map_or_else(String::new, |active| active.schema.clone()))];
    question.destroys = true;
    question.see = Some((format!("/ops/projections/{}/diff/?b={}", view.name, build.schema), text("ops-look-at-diff")));
    question
}

fn of_build(build: &BuildOverview) -> Vec<(String, String)> {
    vec![
        (text("ops-build"), build.schema.clone()),
        (text("ops-position"), build.position.to_string()),
        (text("ops-lag"), build.lag_events.to_string()),
        (text("ops-about-rows"), build.rows.to_string()),
    ]
}

fn serving(view: &ViewOverview) -> Option<&BuildOverview> {
    view.builds.iter().find(|build| build.state == BuildState::Active)
}

/// The view, and where the log ends.
async fn view(app: &App, name: &str) -> Result<(ViewOverview, u64), Fault> {
    let (head, views) = within(projections::overview(&app.views)).await?;
    let view = views.into_iter().find(|view| view.name == name && view.version.is_some());
    let unknown = || of_view(RunError::UnknownProjection { name: name.to_owned(), known: String::new() });
    Ok((view.ok_or_else(unknown)?, head.0))
}
