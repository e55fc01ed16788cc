//! `/account/`: what a member sees of themselves, and changes.

use super::super::query::parameter;
use super::super::reads::Reads;
use super::super::{Close, Fault, Group, Page, Posted, Visit};
use super::form::{Field, Form};
use super::shown::Ask;
use super::{ACCOUNT, desk, log_in, signed_in};
use crate::app::App;
use crate::problem::Problem;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::members;
use domain::Position;
use domain::text::PersonName;
use projections::Projection;
use projections::order_list::{self, OrderList, OrderRow};
use std::sync::Arc;

/// How many orders stand on one page.
const PAGE_ORDERS: u32 = 20;
const PERSON: [Field; 5] = [Field::FirstName, Field::LastName, Field::Address, Field::PostalCode, Field::City];
const PASSWORD: [Field; 2] = [Field::Password, Field::NewPassword];

/// An order in the list.
struct ShownOrder {
    path: String,
    number: String,
    day: String,
    total: String,
    paid: bool,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Shown {
    page: Page,
    name: String,
    email: String,
    /// Where orders go, line by line; empty where it is not known.
    address: Vec<String>,
    orders: Vec<ShownOrder>,
    /// Where older ones stand.
    older: Option<String>,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let member = match signed_in::required(&app, &visit).await? {
        Ok(member) => member,
        Err(response) => return Ok(response),
    };
    let mut reads = Reads::default();
    let after = after(query.as_deref());
    let own = order_list::of_subject(&app.views, member.id, after, PAGE_ORDERS);
    let own = reads.run(OrderList::NAME, own).await?;
    let page = visit.page(&app).await?;
    let address = member.address.as_ref().map_or_else(Vec::new, |place| {
        vec![place.address.to_string(), format!("{} {}", place.postal_code, place.city)]
    });
    let shown = Shown {
        name: format!("{} {}", member.first_name, member.last_name),
        email: member.email.to_string(),
        address,
        orders: own.rows.iter().map(|row| shown(row, &page)).collect(),
        older: own.next.map(|position| format!("{ACCOUNT}?after={}", position.0)),
        page,
    };
    visit.show_alone(&shown, reads.took)
}

fn shown(row: &OrderRow, page: &Page) -> ShownOrder {
    ShownOrder {
        path: format!("/account/orders/{}/", row.id),
        number: row.number.to_string(),
        day: row.placed_at.format("%Y-%m-%d").to_string(),
        total: page.money(&row.total),
        paid: row.paid,
    }
}

/// Behind which order the page begins. A member may write any position there: only their own orders are looked through.
fn after(query: Option<&str>) -> Option<Position> {
    let after = parameter(query, "after")?;
    after.parse().ok().filter(|position: &u64| *position <= i64::MAX.unsigned_abs()).map(Position)
}

pub(super) async fn ask_person(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    match signed_in::required(&app, &visit).await? {
        Ok(member) => show_person(&app, &visit, &Form::of_member(&member)).await,
        Err(response) => Ok(response),
    }
}

async fn show_person(app: &App, visit: &Visit, form: &Form) -> Result<Response, Fault> {
    let (about, action, links) = ("members-person", "/account/person/", &[(ACCOUNT, "members-to-account")]);
    Ask { about, action, form, hidden: Vec::new(), notice: None, links }.show(app, visit).await
}

pub(super) async fn set_person(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let member = match signed_in::required(&app, &visit).await? {
        Ok(member) => member,
        Err(response) => return Ok(response),
    };
    let mut form = Form::of(&PERSON, &posted);
    let first_name = form.read(Field::FirstName, PersonName::parse);
    let last_name = form.read(Field::LastName, PersonName::parse);
    let address = form.address();
    let (Some(first_name), Some(last_name), Some(address)) = (first_name, last_name, address) else {
        return show_person(&app, &visit, &form).await;
    };
    let (names, now) = ((&first_name, &last_name), visit.session.now());
    members::set_person(app.log.pool(), member.id, names, address.as_ref(), now).await.map_err(Problem::from)?;
    visit.see_other(ACCOUNT)
}

pub(super) async fn ask_password(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    match signed_in::required(&app, &visit).await? {
        Ok(_) => show_password(&app, &visit, &Form::empty(&PASSWORD), None).await,
        Err(response) => Ok(response),
    }
}

async fn show_password(app: &App, visit: &Visit, form: &Form, notice: Option<&'static str>) -> Result<Response, Fault> {
    let (about, action, links) = ("members-change", "/account/password/", &[(ACCOUNT, "members-to-account")]);
    Ask { about, action, form, hidden: Vec::new(), notice, links }.show(app, visit).await
}

/// Asks for the old password too: a session that somebody left open is no reason to lose the account.
pub(super) async fn set_password(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let member = match signed_in::required(&app, &visit).await? {
        Ok(member) => member,
        Err(response) => return Ok(response),
    };
    app.members.count_log_in(visit.source, &member.email)?;
    let mut form = Form::of(&PASSWORD, &posted);
    let Some(password) = form.new_password() else { return show_password(&app, &visit, &form, None).await };
    if log_in::right(&app, &member.email, form.password()).await?.is_none() {
        return show_password(&app, &visit, &form, Some("members-wrong-password")).await;
    }
    let hash = app.members.passwords().await?.hash(password).await.map_err(desk::fault)?;
    let set = members::set_password(app.log.pool(), member.id, &hash, visit.session.now()).await;
    let credentials = set.map_err(Problem::from)?.ok_or(Fault::NotFound)?;
    // All other sessions are nobody's from here on; who follows an order in one is looked at anew.
    app.live.hub().close(Group::Member(member.id.0), Close::Again);
    signed_in::sign_in(&app, &visit, (member.id, credentials), None).await?;
    visit.see_other(ACCOUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_behind_a_position_or_with_the_first() {
        assert_eq!(after(Some("after=12")), Some(Position(12)));
        for first in [None, Some(""), Some("after="), Some("after=-1"), Some("after=18446744073709551615")] {
            assert_eq!(after(first), None, "{first:?}");
        }
    }
}
