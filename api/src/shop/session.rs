//! The part of a visit that goes on over several requests.
//!
//! It is looked up only when a page asks for it, once a request, and begun by the first thing that a visitor does: who only
//! looks has none, and gets no cookie. The cookie holds a secret and nothing else; the tables are in [`commands::shop`].

use super::{Clock, Fault, cookies};
use crate::http::App;
use crate::problem::Problem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use commands::shop::sessions::{self, Lifetime, Session, SessionSecret};
use http::{HeaderMap, HeaderValue, header};
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
    settings: SessionSettings,
    found: tokio::sync::Mutex<Found>,
    secret: Mutex<Secret>,
}

/// What the database says of the cookie.
enum Found {
    NotLooked,
    Nothing,
    Session(Session),
}

/// What the browser has, and what it is to have.
#[derive(Default)]
struct Secret {
    current: Option<SessionSecret>,
    cookie: Option<HeaderValue>,
}

impl VisitSession {
    /// That of whoever sent these headers. No I/O.
    pub(super) fn of(app: &App, headers: &HeaderMap) -> Self {
        let settings = app.settings().sessions.clone();
        let current = cookies::of(headers, name(settings.secure)).and_then(SessionSecret::parse);
        Self(Arc::new(Shared {
            pool: app.log.pool().clone(),
            settings,
            found: tokio::sync::Mutex::new(if current.is_some() { Found::NotLooked } else { Found::Nothing }),
            secret: Mutex::new(Secret { current, cookie: None }),
        }))
    }

    /// The time of this visit.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.settings.clock.now()
    }

    /// The session, if there is one. Asks the database once, and of who brings no cookie not at all.
    pub async fn get(&self) -> Result<Option<Session>, Fault> {
        let mut found = self.0.found.lock().await;
        if matches!(*found, Found::NotLooked) {
            *found = self.look_up().await?;
        }
        Ok(match &*found {
            Found::Session(session) => Some(session.clone()),
            Found::NotLooked | Found::Nothing => None,
        })
    }

    /// Has the session looked up anew when it is asked for next: something in it changed.
    pub(super) async fn look_again(&self) {
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
            self.hand_out(secret, session.lifetime);
        }
        Ok(Found::Session(session))
    }

    /// Whether the browser brought a cookie of ours, or is given one now: then the page is its own.
    pub fn is_brought(&self) -> bool {
        self.secret().current.is_some()
    }

    /// The session; begun now if there is none.
    pub async fn begin(&self) -> Result<Session, Fault> {
        if let Some(session) = self.get().await? {
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

    /// Notes whom the visitor is known as, as `member` of the session's data, and exchanges the secret; both or neither. Begins a
    /// session if there is none, and keeps its lifetime if no other is given. Returns the session as it was before.
    pub async fn log_in(&self, member: &str, value: &Value, lifetime: Option<Lifetime>) -> Result<Session, Fault> {
        let session = self.begin().await?;
        let (secret, lifetime) = (SessionSecret::random(), lifetime.unwrap_or(session.lifetime));
        let noted = sessions::log_in(&self.0.pool, session.id, &secret, (member, value), lifetime, self.now()).await;
        if !noted.map_err(Problem::from)? {
            return Err(Fault::Unavailable(1));
        }
        self.hand_out(secret, lifetime);
        Ok(session)
    }

    /// How long who logs in is known: as long as visits go on, and if they do not stay, no longer than the browser is open.
    pub fn lifetime(&self, stays: bool) -> Lifetime {
        Lifetime { ends_with_browser: !stays, ..self.0.settings.lifetime }
    }

    /// Ends the session, here and in the browser.
    pub async fn end(&self) -> Result<(), Fault> {
        if let Some(session) = self.get().await? {
            sessions::end(&self.0.pool, session.id).await.map_err(Problem::from)?;
        }
        *self.0.found.lock().await = Found::Nothing;
        let secure = self.0.settings.secure;
        *self.secret() = Secret { current: None, cookie: cookies::set(name(secure), String::new(), Some(0), secure) };
        Ok(())
    }

    /// What this visitor's forms carry, so that only pages of ours can have made them. Empty for one without a session: there
    /// is nothing to act on yet. Costs no look-up.
    pub fn csrf(&self) -> String {
        self.secret().current.as_ref().map(token).unwrap_or_default()
    }

    /// Refuses a form that no page of ours made for this visitor.
    pub fn check(&self, sent: Option<&str>) -> Result<(), Fault> {
        if self.is_current(sent) { Ok(()) } else { Err(Fault::Forbidden) }
    }

    /// Whether a form was made for this visitor as they are now. One that is not may be from before they logged in, in another tab:
    /// it is not acted on, but it may be shown again with what was typed.
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
