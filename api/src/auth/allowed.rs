//! The proof, in a handler's signature, that whoever asks may do it.

use super::{Keys, Permission, Scope, Token, VerifiedKey};
use crate::app::App;
use crate::problem::{Code, Problem, within};
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use projections::order_list::Whose;
use std::marker::PhantomData;
use std::sync::Arc;

/// A request with a valid key that allows `P`, and that is within the key's rate limit.
pub struct Allowed<P> {
    /// The key.
    pub key: Arc<VerifiedKey>,
    permission: PhantomData<P>,
}

impl<P: Permission> FromRequestParts<Arc<App>> for Allowed<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)?;
        let key = within(app.keys.verify(&token)).await?.ok_or_else(invalid)?;
        check::<P>(&key)?;
        app.limiter.take(key.id)?;
        Ok(Self { key, permission: PhantomData })
    }
}

impl<P> Allowed<P> {
    /// Whether the key allows `Q` besides.
    pub(crate) fn also<Q: Permission>(&self) -> bool {
        check::<Q>(&self.key).is_ok()
    }
}

/// Whether a key that was let in for `P` is still good for that. While the database is away it counts as it did before.
pub(crate) async fn still_allows<P: Permission>(keys: &Keys, token: &Token) -> bool {
    let key = within(keys.verify(token)).await;
    key.map_or(true, |key| key.is_some_and(|key| check::<P>(&key).is_ok()))
}

/// Refuses a key that does not allow `P`.
fn check<P: Permission>(key: &VerifiedKey) -> Result<(), Problem> {
    let scopes = match key.whose {
        Whose::All => P::SCOPES,
        Whose::Of(_) if P::OF_MEMBERS.is_empty() => return Err(not_for_members()),
        Whose::Of(_) => P::OF_MEMBERS,
    };
    if key.scopes.has_any(scopes) { Ok(()) } else { Err(forbidden(scopes)) }
}

/// Whether a request bears something that may be a key. What a proxy asks of a browser is `Basic`, and none.
pub(crate) fn has_bearer(headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|text| text.split_once(' ')).is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
}

/// The key that a request bears.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Token, Problem> {
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Token::parse(token.trim()).ok_or_else(invalid)
}

fn missing() -> Problem {
    Problem::new(Code::Unauthenticated, "Send an API key as `Authorization: Bearer orders_…`.")
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"orders\""))
}

/// One answer for a key that is unknown, wrong or revoked: which of them is nobody's business.
fn invalid() -> Problem {
    Problem::new(Code::Unauthenticated, "This is no valid API key.")
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"orders\", error=\"invalid_token\""))
}

fn not_for_members() -> Problem {
    let problem = Problem::new(Code::Forbidden, "This is nothing that a key which is bound to a member may do.");
    problem.header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"orders\", error=\"insufficient_scope\""),
    )
}

fn forbidden(scopes: &[Scope]) -> Problem {
    let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    let challenge = format!("Bearer realm=\"orders\", error=\"insufficient_scope\", scope=\"{}\"", names.join(" "));
    let problem = Problem::new(Code::Forbidden, format!("This needs a key with the scope {}.", names.join(" or ")));
    match HeaderValue::from_str(&challenge) {
        Ok(challenge) => problem.header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => problem,
    }
}
