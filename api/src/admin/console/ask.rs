//! `GET /ops/ask/?do=…`: what a deed would come to, and the button that does it.

mod builds;
mod groups;
mod items;
mod jobs;

use super::deed::{BACK, Deed, way_back};
use super::{ASK, PATH};
use crate::admin::form::Form;
use crate::admin::list::Query;
use crate::admin::{AdminPage, Section, StaffVisit};
use crate::app::App;
use crate::auth::permission::RunSystem;
use crate::problem::Problem;
use crate::shop::Fault;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use projections::RunError;
use std::sync::Arc;
use std::time::Instant;

/// A question.
pub(super) struct Question {
    pub(super) title: String,
    pub(super) words: String,
    /// What is known of it: labels and values.
    pub(super) facts: Vec<(String, String)>,
    /// What goes with the answer.
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) form: Form,
    pub(super) button: String,
    /// Whether it takes something away.
    pub(super) destroys: bool,
    /// Whether the answer leads to another question, and does nothing yet.
    pub(super) asks_again: bool,
    /// Where more is to be seen before.
    pub(super) see: Option<(String, String)>,
}

impl Question {
    /// One that is answered by a button alone.
    pub(super) fn new(title: String, words: String, button: String) -> Self {
        let (facts, hidden, form) = (Vec::new(), Vec::new(), Form::new());
        Self { title, words, facts, hidden, form, button, destroys: false, asks_again: false, see: None }
    }
}

#[derive(Template)]
#[template(path = "admin/console_ask.html")]
struct Shown {
    page: AdminPage,
    path: &'static str,
    ask: &'static str,
    deed: String,
    /// The page that it leads back to, done or not.
    back: String,
    question: Question,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let (query, begun) = (Query::parse(query.as_deref()), Instant::now());
    let deed = query.get("do").and_then(Deed::parse).ok_or(Fault::NotFound)?;
    let question = match &deed {
        Deed::Item(decision, id) => items::one(&app, *decision, *id).await,
        Deed::Items(decision, filter) => items::all(&app, *decision, filter).await,
        Deed::Pause(group) => groups::pause(&app, group).await,
        Deed::Rewind(group) => groups::rewind(&app, &query, group).await,
        Deed::Rebuild(view) => builds::rebuild(&app, view).await,
        Deed::Promote { view, build } => builds::promote(&app, view, build).await,
        Deed::RollBack(view) => builds::roll_back(&app, view).await,
        Deed::CancelJob(id) => jobs::cancel(&app, *id).await,
        // These are done at once.
        Deed::Resume(_) | Deed::WithdrawRewind(_) | Deed::RunJob(_) => Err(Fault::NotFound),
    }?;
    let (page, back) = (visit.page(Section::Console), way_back(query.get(BACK)).to_owned());
    visit.show(&Shown { page, path: PATH, ask: ASK, deed: deed.text(), back, question }, begun.elapsed()).await
}

/// What can't be said of a view.
pub(super) fn of_view(error: RunError) -> Fault {
    match error {
        RunError::UnknownProjection { .. } | RunError::NoBuild { .. } => Fault::NotFound,
        RunError::Database(error) => Problem::from(error).into(),
        RunError::Log(error) => Problem::from(error).into(),
        error => {
            tracing::warn!(%error, "a view can't be looked at");
            Fault::Unavailable(5)
        }
    }
}
