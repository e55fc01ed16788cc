//! `/admin/newsletters/{id}/`: what an issue says, how it looks, when it goes out, and what became of it.

use super::{Visit, known, path};
use crate::admin::form::Form;
use crate::admin::{AdminPage, Section};
use crate::app::App;
use crate::problem::within;
use crate::scheduled;
use crate::shop::Fault;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use commands::Snapshot;
use commands::subscribers::{self, issues};
use consumers::language::Lang;
use domain::ids::IssueId;
use domain::newsletter::{IssueContent, IssueWords, Newsletter};
use std::sync::Arc;
use std::time::Duration;

/// How it looks in one language.
pub(super) struct Look {
    name: &'static str,
    /// Where the mail is shown as mail programs show it.
    path: String,
    subject: String,
    paragraphs: Vec<String>,
}

#[derive(Template)]
#[template(path = "admin/newsletter.html")]
pub(super) struct Shown {
    pub(super) page: AdminPage,
    pub(super) path: String,
    pub(super) subject: String,
    pub(super) version: u64,
    pub(super) form: Form,
    /// Whether somebody changed it while it was looked at.
    pub(super) is_changed: bool,
    pub(super) looks: Vec<Look>,
    /// How many get it, or would.
    pub(super) subscribers: i64,
    pub(super) released_at: Option<DateTime<Utc>>,
    /// When it goes out by itself, if it does.
    pub(super) release_at: Option<DateTime<Utc>>,
    pub(super) counts: issues::Counts,
    /// What is wrong with the hour.
    pub(super) hour_error: Option<String>,
    /// The hour as it was typed.
    pub(super) hour: String,
    pub(super) time_zone: &'static str,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let (id, snapshot) = known(&app, &id).await?;
    let content = snapshot.state.content().ok_or(Fault::NotFound)?;
    let shown = shown(&app, &visit, id, &snapshot, super::form::of(content)).await?;
    visit.show(&shown, Duration::ZERO).await
}

pub(super) async fn shown(
    app: &App,
    visit: &Visit,
    id: IssueId,
    snapshot: &Snapshot<Newsletter>,
    form: Form,
) -> Result<Shown, Fault> {
    let content = snapshot.state.content().ok_or(Fault::NotFound)?;
    let is_released = snapshot.state.is_released();
    let due = within(scheduled::releases(app.members.schedule(), &[id.to_string()])).await?;
    let counts = within(issues::count(app.log.pool(), id.0)).await?;
    let subscribers = within(subscribers::count(app.log.pool())).await?;
    Ok(Shown {
        page: visit.page(Section::Newsletters),
        path: path(id),
        subject: content.words.subject.to_string(),
        version: snapshot.version,
        form,
        is_changed: false,
        looks: looks(id, content),
        subscribers,
        // The last that can happen to an issue.
        released_at: is_released.then_some(snapshot.updated_at),
        release_at: due.first().map(|job| job.run_at).filter(|_| !is_released),
        counts,
        hour_error: None,
        hour: String::new(),
        time_zone: app.views.time_zone().name(),
    })
}

/// In each of our languages in which it is written.
fn looks(id: IssueId, content: &IssueContent) -> Vec<Look> {
    let words = |lang: Lang| {
        let translated = content.translations.iter().find(|(language, _)| language.as_str() == lang.tag());
        let own = (lang == Lang::En).then_some(&content.words);
        own.or(translated.map(|(_, words)| words))
    };
    let look = |(lang, words): (Lang, &IssueWords)| Look {
        name: lang.own_name(),
        path: format!("{}preview/{}/", path(id), lang.tag()),
        subject: words.subject.to_string(),
        paragraphs: paragraphs(words.text.as_str()),
    };
    Lang::ALL.into_iter().filter_map(|lang| Some((lang, words(lang)?))).map(look).collect()
}

fn paragraphs(text: &str) -> Vec<String> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).map(str::to_owned).collect()
}
