//! The cookie of who is logged in behind the counter: another than that of shoppers, so that neither stands for the
//! other.

use crate::app::App;
use crate::shop::cookies;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use commands::shop::sessions::SessionSecret;
use http::{HeaderMap, HeaderValue};

/// Browsers take a cookie of this name over TLS or from the machine itself alone, for all paths, and from no other host
/// below the same domain (RFC 6265bis, section 4.1.3.2).
const SAFE_NAME: &str = "__Host-orders-staff";
/// Where there is no TLS, browsers would refuse the other.
const PLAIN_NAME: &str = "orders-staff";
/// What the token of forms is derived from the secret for.
const FORMS: &str = "staff forms";

fn name(app: &App) -> (&'static str, bool) {
    let secure = app.settings().sessions.secure;
    (if secure { SAFE_NAME } else { PLAIN_NAME }, secure)
}

/// The secret that a browser brought.
pub(super) fn secret(app: &App, headers: &HeaderMap) -> Option<SessionSecret> {
    cookies::of(headers, name(app).0).and_then(SessionSecret::parse)
}

/// Has the browser keep a secret until it is closed.
pub(super) fn hand_out(app: &App, secret: &SessionSecret) -> Option<HeaderValue> {
    let (name, secure) = name(app);
    cookies::set(name, secret.expose(), None, secure)
}

/// Has the browser forget it.
pub(super) fn take_back(app: &App) -> Option<HeaderValue> {
    let (name, secure) = name(app);
    cookies::set(name, String::new(), Some(0), secure)
}

/// What forms carry, so that only pages of ours can have made them.
pub(super) fn token(secret: &SessionSecret) -> String {
    URL_SAFE_NO_PAD.encode(secret.derive(FORMS))
}
