//! `/account/login/` and `/account/logout/`.

use super::super::query::parameter;
use super::super::{Close, Fault, Group, Posted, Visit};
use super::form::{Field, Form};
use super::shown::Ask;
use super::{ACCOUNT, LOG_IN, desk, signed_in};
use crate::app::App;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::members::passwords::{Password, Verdict};
use commands::members::{self, Member};
use domain::text::Email;
use std::sync::Arc;

const FIELDS: [Field; 3] = [Field::Email, Field::Password, Field::Stay];
/// The longest path that is led back to.
const MAX_NEXT_BYTES: usize = 500;

pub(super) async fn ask(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let next = parameter(query.as_deref(), "next");
    show(&app, &visit, &Form::empty(&FIELDS), next.as_deref(), None).await
}

async fn show(
    app: &App,
    visit: &Visit,
    form: &Form,
    next: Option<&str>,
    notice: Option<&'static str>,
) -> Result<Response, Fault> {
    let links = &[("/account/forgotten/", "members-to-forgotten"), ("/account/join/", "members-to-join")];
    let hidden = vec![("next", way_on(next).to_owned())];
    Ask { about: "members-log-in", action: LOG_IN, form, hidden, notice, links }.show(app, visit).await
}

/// A page of this shop: two slashes at its beginning would name another host, and so would a backslash to some
/// browsers.
fn way_on(next: Option<&str>) -> &str {
    let is_ours = |path: &&str| {
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        path.starts_with('/') && !path.starts_with("//") && plain && path.len() <= MAX_NEXT_BYTES
    };
    next.filter(is_ours).unwrap_or(ACCOUNT)
}

pub(super) async fn log_in(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    let mut form = Form::of(&FIELDS, &posted);
    if !visit.session.is_current(posted.get("csrf")) {
        return show(&app, &visit, &form, posted.get("next"), Some("members-stale")).await;
    }
    let Some(email) = form.read(Field::Email, Email::parse) else {
        return show(&app, &visit, &form, posted.get("next"), None).await;
    };
    app.members.count_log_in(visit.source, &email)?;
    match right(&app, &email, form.password()).await? {
        Some(member) => {
            let lifetime = visit.session.lifetime(!form.typed(Field::Stay).is_empty());
            signed_in::sign_in(&app, &visit, (member.id, member.credentials), Some(lifetime)).await?;
            visit.see_other(way_on(posted.get("next")))
        }
        None => show(&app, &visit, &form, posted.get("next"), Some("members-log-in-wrong")).await,
    }
}

/// The member of this address and password. That nobody has the address takes as long to find out as that the password
/// is another.
pub(super) async fn right(app: &App, email: &Email, password: Password) -> Result<Option<Member>, Fault> {
    let (pool, passwords) = (app.log.pool(), app.members.passwords().await?);
    let found = within(members::by_email(pool, email)).await?;
    let hash = found.as_ref().map(|(_, hash)| hash.clone());
    let verdict = passwords.verify(password.clone(), hash).await.map_err(desk::fault)?;
    match (verdict, found) {
        // Told as if the password were another: who is kept out is told by whoever does so.
        (_, Some((member, _))) if member.disabled_at.is_some() => Ok(None),
        (Verdict::Right, Some((member, _))) => Ok(Some(member)),
        (Verdict::RightButOutdated, Some((member, old))) => {
            let hash = passwords.hash(password).await.map_err(desk::fault)?;
            members::rehash(pool, member.id, &old, &hash).await.map_err(Problem::from)?;
            Ok(Some(member))
        }
        (Verdict::Wrong, _) | (_, None) => Ok(None),
    }
}

pub(super) async fn log_out(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    if let Some(session) = visit.session.get().await? {
        app.live.hub().close(Group::Session(session.id), Close::Ended);
    }
    visit.session.end().await?;
    visit.see_other("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_led_back_to_pages_of_the_shop_alone() {
        for (next, expected) in [
            (Some("/account/orders/1/?a=b"), "/account/orders/1/?a=b"),
            (Some("//evil.test/"), ACCOUNT),
            (Some("/\\evil.test/"), ACCOUNT),
            (Some("https://evil.test/"), ACCOUNT),
            (Some("/a\r\nset-cookie: a"), ACCOUNT),
            (None, ACCOUNT),
        ] {
            assert_eq!(way_on(next), expected, "{next:?}");
        }
    }
}
