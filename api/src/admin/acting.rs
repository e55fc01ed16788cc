//! Who changes something behind the counter, and what became of it.

use super::texts::text;
use super::{Notice, StaffVisit, Tone};
use crate::app::App;
use crate::auth::Permission;
use crate::http::Place;
use crate::problem::rejection::{self, Refuses};
use crate::shop::Fault;
use axum::extract::FromRequestParts;
use commands::{Admission, Answer, AnswerFn, CommandError, Done, IdempotencyKey, Snapshot, Submission};
use domain::Position;
use http::StatusCode;
use http::request::Parts;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// How long a list is waited for that is to show what was just done. It is shown without where it takes longer.
const CATCH_UP_AT_MOST: Duration = Duration::from_secs(2);

/// A visit that changes something.
pub(super) struct Acting<P> {
    visit: StaffVisit<P>,
    /// The request's place among those that are worked on, kept until its commands have come to their end.
    room: Option<Place>,
}

impl<P: Permission> FromRequestParts<Arc<App>> for Acting<P> {
    type Rejection = <StaffVisit<P> as FromRequestParts<Arc<App>>>::Rejection;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let visit = StaffVisit::from_request_parts(parts, app).await?;
        Ok(Self { visit, room: parts.extensions.get::<Place>().cloned() })
    }
}

impl<P> Deref for Acting<P> {
    type Target = StaffVisit<P>;

    fn deref(&self) -> &StaffVisit<P> {
        &self.visit
    }
}

/// A command on one aggregate.
pub(super) struct Ask<A: Refuses> {
    /// Its id.
    pub(super) id: String,
    pub(super) command: A::Command,
    /// The version that was shown; `None` where none was.
    pub(super) version: Option<u64>,
    /// Whether the id was made for this command.
    pub(super) fresh_id: bool,
    /// What makes two of them the same one.
    pub(super) key: Option<IdempotencyKey>,
    pub(super) locale: Locale,
}

impl<A: Refuses> Ask<A> {
    /// A command on what stands under an id, in the version that was shown.
    pub(super) fn on(id: impl Into<String>, command: A::Command, version: Option<u64>) -> Self {
        Self { id: id.into(), command, version, fresh_id: false, key: None, locale: Locale::Actors }
    }
}

/// The language in which somebody is written to about what happens.
pub(super) enum Locale {
    /// That of whoever acts.
    Actors,
    /// That of the customer whom it is for, as far as it is known.
    Customers(Option<String>),
}

/// Why a command was not carried out, where somebody can do something about it.
pub(super) enum Refusal<A: Refuses> {
    /// A rule of the business.
    Rejected(A::Rejection),
    /// It changed since it was shown. Here is what it is now.
    Changed(Arc<Snapshot<A>>),
    /// The form was sent before, with something else in it.
    SentBefore,
}

impl<P> Acting<P> {
    /// Has a command carried out; whoever is logged in is the actor.
    pub(super) async fn carry_out<A: Refuses>(&self, app: &App, ask: Ask<A>) -> Result<Done, CommandError<A>> {
        let mut context = self.visit.context();
        if let Locale::Customers(locale) = ask.locale {
            context.locale = locale;
        }
        let submission = Submission {
            id: ask.id,
            command: ask.command,
            fresh_id: ask.fresh_id,
            expected_version: ask.version,
            context,
            key: ask.key,
            answer: answer::<A>(),
            admission: self.room.clone().map(|place| Arc::new(place) as Admission),
        };
        app.gateway.submit(submission).await
    }

    /// The same, for a form that is shown again where it is refused.
    pub(super) async fn submit<A: Refuses>(&self, app: &App, ask: Ask<A>) -> Result<Result<Done, Refusal<A>>, Fault> {
        match self.carry_out(app, ask).await {
            Ok(done) => Ok(Ok(done)),
            Err(CommandError::Rejected { rejection, .. }) => Ok(Err(Refusal::Rejected(rejection))),
            Err(CommandError::VersionMismatch { current }) if current.version == 0 => Err(Fault::NotFound),
            Err(CommandError::VersionMismatch { current }) => Ok(Err(Refusal::Changed(current))),
            Err(CommandError::KeyReused) => Ok(Err(Refusal::SentBefore)),
            Err(error) => Err(rejection::problem(&error, None).into()),
        }
    }
}

/// What is kept of it: the id.
fn answer<A: Refuses>() -> AnswerFn<A> {
    Arc::new(|snapshot: &Snapshot<A>| Answer {
        status: StatusCode::SEE_OTHER.as_u16(),
        location: None,
        etag: None,
        body: snapshot.id.clone(),
    })
}

/// What came of something that was asked, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) tone: Tone,
    pub(super) text: String,
    /// Where the log has it; none where nothing of the log was changed.
    pub(super) position: Option<Position>,
}

impl Outcome {
    /// It was done.
    pub(super) fn good(text: String) -> Self {
        Self { tone: Tone::Good, text, position: None }
    }

    /// There was nothing to do, or it is not known whether it was done.
    pub(super) fn warn(text: String) -> Self {
        Self { tone: Tone::Warn, text, position: None }
    }

    /// It was not done.
    pub(super) fn bad(text: String) -> Self {
        Self { tone: Tone::Bad, text, position: None }
    }

    /// Why a command was not carried out.
    pub(super) fn refused<A: Refuses>(error: &CommandError<A>) -> Self {
        match error {
            CommandError::Rejected { rejection, .. } => Self::bad(rejection.to_string()),
            CommandError::OutcomeUnknown => Self::warn(text("staff-unknown")),
            error => {
                let problem = rejection::problem(error, None);
                tracing::warn!(code = problem.code().as_str(), "a command of staff was not carried out");
                Self::bad(text("staff-away"))
            }
        }
    }

    /// With where the log has it.
    #[must_use]
    pub(super) fn at(self, position: Position) -> Self {
        Self { position: Some(position), ..self }
    }

    /// What the next page tells of it.
    pub(super) fn notice(self) -> Notice {
        match self.tone {
            Tone::Good => Notice::good(self.text),
            Tone::Warn => Notice::warn(self.text),
            Tone::Bad => Notice::bad(self.text),
        }
    }
}

/// Waits for a list to show what was just done.
pub(super) async fn caught_up(app: &App, view: &'static str, position: Position) {
    // One that is behind, or away, is shown as it is.
    let _ = app.views.wait_for(view, position, CATCH_UP_AT_MOST).await;
}
