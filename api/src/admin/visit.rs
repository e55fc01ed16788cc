//! Who asks for a staff page, and whether they may.

use super::page::Place;
use super::{AdminPage, HOME, LOG_IN, Notice, Section, cookie};
use crate::app::App;
use crate::auth::Permission;
use crate::auth::permission::LogIn;
use crate::http::{RequestId, context, timing};
use crate::problem::{Problem, within};
use crate::shop::{Fault, html_page, rendered, way_back};
use askama::Template;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use commands::Context;
use commands::shop::sessions::SessionSecret;
use commands::staff::Account;
use commands::staff::sessions::{self, StaffSession};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use sqlx::PgPool;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// A request of somebody who is logged in behind the counter, and may do `P`.
#[derive(Debug)]
pub(crate) struct StaffVisit<P = LogIn> {
    /// Who it is.
    pub(crate) me: Account,
    /// The path and query that lead back to the page; the first page where it is none.
    pub(crate) here: String,
    pool: PgPool,
    session: StaffSession,
    secret: SessionSecret,
    request_id: RequestId,
    headers: HeaderMap,
    place: Place,
    permission: PhantomData<fn() -> P>,
}

/// Why somebody is not let in, or not answered.
pub(crate) enum Refusal {
    /// Nobody is logged in: where one does, and is led back from.
    LogIn(String),
    /// The role does not allow it: a page that says so.
    Role(Box<Response>),
    /// It can't be told.
    Fault(Fault),
}

impl<P: Permission> FromRequestParts<Arc<App>> for StaffVisit<P> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let place = place(app, parts);
        let outside = || Refusal::LogIn(log_in_url(&place.here));
        let secret = cookie::secret(app, &parts.headers).ok_or_else(outside)?;
        let session = within(sessions::find(app.log.pool(), &secret, place.now)).await;
        let session = session.map_err(|problem| Refusal::Fault(problem.into()))?.ok_or_else(outside)?;
        let request_id = RequestId::from_request_parts(parts, app).await.unwrap_or_else(|never| match never {});
        let visit = Self {
            me: session.account.clone(),
            here: place.here.clone(),
            pool: app.log.pool().clone(),
            session,
            secret,
            request_id,
            headers: parts.headers.clone(),
            place,
            permission: PhantomData,
        };
        if visit.may::<P>() { Ok(visit) } else { Err(visit.refuse()) }
    }
}

/// What is known of any request for a staff page.
pub(super) fn place(app: &App, parts: &Parts) -> Place {
    let here = way_back(&parts.method, &parts.uri);
    Place {
        frame: app.frame.clone(),
        time_zone: app.views.time_zone(),
        here: if here == "/" { HOME.to_owned() } else { here },
        now: app.settings().sessions.clock.now(),
    }
}

fn log_in_url(here: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
    format!("{LOG_IN}?next={next}")
}

#[derive(Template)]
#[template(path = "admin/refused.html")]
struct Refused {
    page: AdminPage,
}

impl<P> StaffVisit<P> {
    /// Whether whoever asks may do `Q` besides.
    pub(crate) fn may<Q: Permission>(&self) -> bool {
        Q::ROLES.contains(&self.me.role)
    }

    /// Refuses, by a page that says so, whoever may not do `Q` besides.
    pub(crate) fn require<Q: Permission>(&self) -> Result<(), Refusal> {
        if self.may::<Q>() { Ok(()) } else { Err(self.refuse()) }
    }

    /// The time of this visit.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.place.now
    }

    /// The frame of the page that is shown, with what there is to tell since the last one.
    pub(crate) fn page(&self, section: Section) -> AdminPage {
        let mut page = self.frame(section);
        if let Some(notices) = &self.session.notices {
            // What another version of the program wanted to tell is not understood, and lost.
            page.notices = serde_json::from_value(notices.clone()).unwrap_or_default();
        }
        page
    }

    fn frame(&self, section: Section) -> AdminPage {
        AdminPage::of(self.place.clone(), &self.me, cookie::token(&self.secret), section)
    }

    /// Has the next page tell something. To be done before leading there.
    pub(crate) async fn tell(&self, app: &App, notice: Notice) -> Result<(), Fault> {
        let notices: Value = serde_json::to_value([notice]).map_err(|_| Fault::Internal)?;
        let set = sessions::set_notices(app.log.pool(), self.session.id, &notices).await;
        Ok(set.map_err(Problem::from)?)
    }

    /// Shows a page, and with it what there was to tell; `database` is what its reads took.
    pub(crate) async fn show(&self, template: &impl Template, database: Duration) -> Result<Response, Fault> {
        let response = show(template, database)?;
        self.forget_notices().await;
        Ok(response)
    }

    /// What is told is forgotten once there is a page that tells it: until then anything may fail.
    async fn forget_notices(&self) {
        let Some(told) = &self.session.notices else { return };
        if let Err(error) = sessions::forget_notices(&self.pool, self.session.id, told).await {
            tracing::warn!(%error, "what was told to staff will be told once more");
        }
    }

    /// Shows a page again, because something on it has to be corrected.
    pub(crate) async fn show_refused(&self, template: &impl Template) -> Result<Response, Fault> {
        let mut response = self.show(template, Duration::ZERO).await?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        Ok(response)
    }

    /// To another page, after a form was sent: loading that again changes nothing.
    pub(crate) fn see_other(&self, location: &str) -> Result<Response, Fault> {
        see_other(location)
    }

    /// Whose doing it is, for the events that it leads to.
    pub(crate) fn context(&self) -> Context {
        context::by(self.me.actor(), &self.request_id, &self.headers)
    }

    fn refuse(&self) -> Refusal {
        let shown = Refused { page: self.frame(Section::Dashboard) };
        match show(&shown, Duration::ZERO) {
            Ok(mut response) => {
                *response.status_mut() = StatusCode::FORBIDDEN;
                Refusal::Role(Box::new(response))
            }
            Err(fault) => Refusal::Fault(fault),
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::LogIn(url) => see_other(&url).unwrap_or_else(IntoResponse::into_response),
            Self::Role(response) => *response,
            Self::Fault(fault) => fault.into_response(),
        }
    }
}

/// A page that nobody but whoever asked may keep.
pub(super) fn show(template: &impl Template, database: Duration) -> Result<Response, Fault> {
    let mut response = html_page(rendered(template)?);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(timing::SERVER_TIMING, timing::of_read(database));
    Ok(response)
}

pub(super) fn see_other(location: &str) -> Result<Response, Fault> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::try_from(location).map_err(|_| Fault::Internal)?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
