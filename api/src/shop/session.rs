//! The part of a visit that goes on over several requests.
//!
//! It is looked up only when a page asks for it, once a request, and begun by the first thing that a visitor does: who
//! only looks has none, and gets no cookie. The cookie holds a secret and nothing else; the tables are in
//! [`commands::shop`]. Where there is a Redis, a guest's session is looked up there by what only shows something
//! (`GET`); what changes something asks the database.

use super::{Clock, Fault, cookies};
use crate::app::App;
use crate::problem::Problem;
use crate::shared::{Shared as Redis, Sought};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use commands::shop::sessions::{self, Lifetime, Session, SessionSecret};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;
use sqlx::PgPool;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Browsers take a cookie of this name over TLS or from the machine itself alone, for all paths, and from no other host
/// below the same domain (RFC 6265bis, section 4.1.3.2).
const SAFE_NAME: &str = "__Host-orders";
/// Where there is no TLS, browsers would refuse the other.
const PLAIN_NAME: &str = "orders";
/// What forms are derived from the secret for.
const FORMS: &str = "forms";
/// And for being known by to Redis.
const SHARED: &str = "shared";

/// How long visits go on, and how browsers keep them.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionSettings {
    /// The life of a session that asks for no other.
    pub lifetime: Lifetime,
    /// Whether visitors reach the shop by TLS, or on the machine itself.
    pub secure: bool,
    /// What time it is.
    pub clock: Clock,
}

impl Default for SessionSettings {
    fn default() -> Self {
        let lifetime = Lifetime { lasts: Duration::from_secs(14 * 24 * 60 * 60), ends_with_browser: false };
        Self { lifetime, secure: true, clock: Clock::system() }
    }
}

/// A visitor's session, as one request sees it. Clones share what was looked up.
#[derive(Clone)]
pub struct VisitSession(Arc<Shared>);

struct Shared {
    pool: PgPool,
    redis: Redis,
    /// Whether the request only shows something.
    looks: bool,
    settings: SessionSettings,
    found: tokio::sync::Mutex<Found>,
    secret: Mutex<Secret>,
}

/// What the database says of the cookie.
enum Found {
    NotLooked,
    Nothing,
    /// A copy that another request left.
    Copy(Session),
    Session(Session),
}

impl Found {
    fn session(&self) -> Option<Session> {
        match self {
            Self::Session(session) | Self::Copy(session) => Some(session.clone()),
            Self::NotLooked | Self::Nothing => None,
        }
    }
}

/// What the browser has, and what it is to have.
#[derive(Default)]
struct Secret {
    current: Option<SessionSecret>,
    cookie: Option<HeaderValue>,
}

impl VisitSession {
    /// That of whoever sent these headers with such a request. No I/O.
    pub(super) fn of(app: &App, method: &Method, headers: &HeaderMap) -> Self {
        let settings = app.settings().sessions.clone();
        let current = cookies::of(headers, name(settings.secure)).and_then(SessionSecret::parse);
        Self(Arc::new(Shared {
            pool: app.log.pool().clone(),
            redis: app.shared.clone(),
            looks: matches!(*method, Method::GET | Method::HEAD),
            settings,
            found: tokio::sync::Mutex::new(if current.is_some() { Found::NotLooked } else { Found::Nothing }),
            secret: Mutex::new(Secret { current, cookie: None }),
        }))
    }

    /// The time of this visit.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.settings.clock.now()
    }

    /// The session, if there is one. Asks once, and of who brings no cookie not at all. For a request that only shows
    /// something it may be as it was some seconds ago.
    pub async fn get(&self) -> Result<Option<Session>, Fault> {
        let mut found = self.0.found.lock().await;
        if matches!(*found, Found::NotLooked) {
            *found = if self.0.looks { self.look_around().await? } else { self.look_up().await? };
        }
        Ok(found.session())
    }

    /// The session as the database has it at this moment.
    async fn get_for_sure(&self) -> Result<Option<Session>, Fault> {
        let mut found = self.0.found.lock().await;
        if matches!(*found, Found::NotLooked | Found::Copy(_)) {
            *found = self.look_up().await?;
        }
        Ok(found.session())
    }

    /// Looks for a copy; without one, leaves what the database has for others.
    async fn look_around(&self) -> Result<Found, Fault> {
        let Some(name) = self.shared_name() else { return self.look_up().await };
        let ticket = match self.0.redis.session(&name).await {
            // One that is to be renewed, or has ended since, is the database's affair.
            Sought::Found(session) if !session.is_to_be_renewed(self.now()) => return Ok(Found::Copy(session)),
            Sought::Found(_) | Sought::Unknown => return self.look_up().await,
            Sought::Missing(ticket) => ticket,
        };
        let found = self.look_up().await?;
        if let Found::Session(session) = &found {
            self.0.redis.fill_session(&name, ticket, session).await;
        }
        Ok(found)
    }

    /// Has the session looked up anew when it is asked for next: something in it changed, so that copies of it are
    /// taken away.
    pub(super) async fn look_again(&self) {
        self.changed().await;
        *self.0.found.lock().await = Found::NotLooked;
    }

    async fn look_up(&self) -> Result<Found, Fault> {
        let Some(secret) = self.secret().current.clone() else { return Ok(Found::Nothing) };
        let (pool, now) = (&self.0.pool, self.now());
        let Some(session) = sessions::find(pool, &secret, now).await.map_err(Problem::from)? else {
            return Ok(Found::Nothing);
        };
        if session.is_to_be_renewed(now) {
            sessions::renew(pool, &session, now).await.map_err(Problem::from)?;
            self.changed().await;
            self.hand_out(secret, session.lifetime);
        }
        Ok(Found::Session(session))
    }

    /// To be told of each change of the session or its cart, once it is made: copies of it are taken away.
    pub async fn changed(&self) {
        if let Some(name) = self.shared_name() {
            self.0.redis.forget_session(&name).await;
        }
    }

    /// What the session is known by to Redis, where there is one.
    fn shared_name(&self) -> Option<String> {
        let secret = self.secret().current.clone().filter(|_| self.0.redis.is_set())?;
        Some(URL_SAFE_NO_PAD.encode(secret.derive(SHARED)))
    }

    /// Whether the browser brought a cookie of ours, or is given one now: then the page is its own.
    pub fn is_brought(&self) -> bool {
        self.secret().current.is_some()
    }

    /// The session; begun now if there is none.
    pub async fn begin(&self) -> Result<Session, Fault> {
        if let Some(session) = self.get_for_sure().await? {
            return Ok(session);
        }
        let mut found = self.0.found.lock().await;
        if let Found::Session(session) = &*found {
            return Ok(session.clone());
        }
        // Never the secret that a browser brought and we do not know: somebody may have planted it there.
        let (secret, lifetime) = (SessionSecret::random(), self.0.settings.lifetime);
        let session = sessions::begin(&self.0.pool, &secret, lifetime, self.now()).await.map_err(Problem::from)?;
        self.hand_out(secret, lifetime);
        *found = Found::Session(session.clone());
        Ok(session)
    }

    /// Notes whom the visitor is known as, as `member` of the session's data, and exchanges the secret; both or
    /// neither. Begins a session if there is none, and keeps its lifetime if no other is given. Returns the session as
    /// it was before.
    pub async fn log_in(&self, member: &str, value: &Value, lifetime: Option<Lifetime>) -> Result<Session, Fault> {
        let session = self.begin().await?;
        let (secret, lifetime) = (SessionSecret::random(), lifetime.unwrap_or(session.lifetime));
        let noted = sessions::log_in(&self.0.pool, session.id, &secret, (member, value), lifetime, self.now()).await;
        if !noted.map_err(Problem::from)? {
            return Err(Fault::Unavailable(1));
        }
        self.changed().await;
        self.hand_out(secret, lifetime);
        Ok(session)
    }

    /// How long who logs in is known: as long as visits go on, and if they do not stay, no longer than the browser is
    /// open.
    pub fn lifetime(&self, stays: bool) -> Lifetime {
        Lifetime { ends_with_browser: !stays, ..self.0.settings.lifetime }
    }

    /// Ends the session, here and in the browser.
    pub async fn end(&self) -> Result<(), Fault> {
        if let Some(session) = self.get_for_sure().await? {
            sessions::end(&self.0.pool, session.id).await.map_err(Problem::from)?;
            self.changed().await;
        }
        *self.0.found.lock().await = Found::Nothing;
        let secure = self.0.settings.secure;
        *self.secret() = Secret { current: None, cookie: cookies::set(name(secure), String::new(), Some(0), secure) };
        Ok(())
    }

    /// What this visitor's forms carry, so that only pages of ours can have made them. Empty for one without a session:
    /// there is nothing to act on yet. Costs no look-up.
    pub fn csrf(&self) -> String {
        self.secret().current.as_ref().map(token).unwrap_or_default()
    }

    /// Refuses a form that no page of ours made for this visitor.
    pub fn check(&self, sent: Option<&str>) -> Result<(), Fault> {
        if self.is_current(sent) { Ok(()) } else { Err(Fault::Forbidden) }
    }

    /// Whether a form was made for this visitor as they are now. One that is not may be from before they logged in, in
    /// another tab: it is not acted on, but it may be shown again with what was typed.
    pub fn is_current(&self, sent: Option<&str>) -> bool {
        let Some(expected) = self.secret().current.as_ref().map(token) else { return true };
        expected.as_bytes().ct_eq(sent.unwrap_or_default().as_bytes()).into()
    }

    /// Tells the browser what changed. To be done with every answer.
    pub fn stamp(&self, headers: &mut HeaderMap) {
        if let Some(cookie) = self.secret().cookie.take() {
            headers.append(header::SET_COOKIE, cookie);
        }
    }

    fn hand_out(&self, secret: SessionSecret, lifetime: Lifetime) {
        let secure = self.0.settings.secure;
        let seconds = i64::try_from(lifetime.lasts.as_secs()).unwrap_or(i64::MAX);
        let max_age_s = (!lifetime.ends_with_browser).then_some(seconds);
        let cookie = cookies::set(name(secure), secret.expose(), max_age_s, secure);
        *self.secret() = Secret { current: Some(secret), cookie };
    }

    fn secret(&self) -> MutexGuard<'_, Secret> {
        self.0.secret.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for VisitSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitSession(…)")
    }
}

fn name(secure: bool) -> &'static str {
    if secure { SAFE_NAME } else { PLAIN_NAME }
}

fn token(secret: &SessionSecret) -> String {
    URL_SAFE_NO_PAD.encode(secret.derive(FORMS))
}
