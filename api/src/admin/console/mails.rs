//! `/ops/mails/`: whether a customer got a mail, and why (not): each mail about an order, or to an address, with all
//! that is known of it.
//!
//! An order stands in the page's own address. What a customer is written to at comes by a form alone: addresses of
//! pages are kept by browsers and servers.

use super::parked;
use crate::admin::form::Form;
use crate::admin::list::Query;
use crate::admin::texts::{text, text_with};
use crate::admin::{AdminPage, Section, StaffForm, StaffVisit};
use crate::app::App;
use crate::auth::permission::RunSystem;
use crate::order_name::OrderName;
use crate::problem::within;
use crate::shop::Fault;
use crate::v1::ops::mails::{ToAddress, Told, told_of_order, told_to};
use crate::v1::unreadable_view;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use consumers::mails::Mail;
use domain::ids::OrderId;
use domain::text::Email;
use projections::Projection;
use projections::order_list::OrderList;
use std::sync::Arc;
use std::time::Instant;

/// Where it is asked.
pub(super) const PATH: &str = "/ops/mails/";
/// Which order, in the page's address.
const ORDER: &str = "order";
/// About whom or what is asked, in the form.
const OF: &str = "of";

/// A mail as it is shown.
struct Row {
    mail: Mail,
    /// The class and the word of its state.
    state: (&'static str, String),
    /// The order that it is about.
    order: Option<OrderId>,
    /// Its number in the ledger, and where it is decided on, if it was noted.
    item: Option<(i64, String)>,
}

#[derive(Template)]
#[template(path = "admin/console_mails.html")]
struct Shown {
    page: AdminPage,
    console: &'static str,
    path: &'static str,
    form: Form,
    /// None where nothing was asked yet.
    rows: Option<Vec<Row>>,
    /// Whether these are all.
    is_complete: bool,
}

fn form() -> Form {
    Form::new().text(OF, text("ops-mails-of"), Email::MAX_CHARS).hint(text("ops-mails-hint"))
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let (query, begun) = (Query::parse(query.as_deref()), Instant::now());
    let Some(order) = query.get(ORDER) else {
        return visit.show(&shown(&visit, form(), None), begun.elapsed()).await;
    };
    let Ok(id) = order.parse::<OrderId>() else { return of_typed(&app, &visit, order).await };
    let mails = within(told_of_order(&app.log, app.members.schedule(), id)).await?;
    let told = ToAddress { mails, is_complete: true };
    visit.show(&shown(&visit, form().value_of(order), Some(told)), begun.elapsed()).await
}

/// What is no id stands in the address where a person wrote it there: a number leads to its order, and of all else it
/// is told what is wrong.
async fn of_typed(app: &App, visit: &StaffVisit<RunSystem>, typed: &str) -> Result<Response, Fault> {
    let words = match asked(app, typed.trim()).await? {
        Ok(Asked::Order(id)) => return visit.see_other(&format!("{PATH}?{ORDER}={id}")),
        Ok(Asked::Address(_)) => text("ops-mails-wrong"),
        Err(words) => words,
    };
    let mut form = form().value_of(typed);
    form.wrong(OF, words);
    visit.show_refused(&shown(visit, form, None)).await
}

/// Who or what is asked about.
enum Asked {
    Order(OrderId),
    Address(Email),
}

pub(super) async fn ask(
    State(app): State<Arc<App>>,
    visit: StaffVisit<RunSystem>,
    posted: StaffForm,
) -> Result<Response, Fault> {
    let (mut form, begun) = (form(), Instant::now());
    form.fill(&posted);
    match asked(&app, form.value(OF).trim()).await? {
        Ok(Asked::Order(id)) => visit.see_other(&format!("{PATH}?{ORDER}={id}")),
        Ok(Asked::Address(address)) => {
            let told = within(told_to(&app.log, &app.views, app.members.schedule(), &address)).await?;
            visit.show(&shown(&visit, form, Some(told)), begun.elapsed()).await
        }
        Err(words) => {
            form.wrong(OF, words);
            visit.show_refused(&shown(&visit, form, None)).await
        }
    }
}

/// An address has an `@`, an order's number is one, and all else is to be an order's id. What is wrong is said in
/// words.
async fn asked(app: &App, typed: &str) -> Result<Result<Asked, String>, Fault> {
    if typed.contains('@') {
        return Ok(Email::parse(typed).map(Asked::Address).map_err(|error| error.to_string()));
    }
    let Ok(name) = typed.parse::<OrderName>() else { return Ok(Err(text("ops-mails-wrong"))) };
    let found = name.id(&app.views).await.map_err(|error| unreadable_view(OrderList::NAME, error))?;
    let none = || text_with("ops-mails-no-order", &[("number", typed.trim_start_matches('#').to_owned().into())]);
    Ok(found.map(Asked::Order).ok_or_else(none))
}

fn shown(visit: &StaffVisit<RunSystem>, form: Form, told: Option<ToAddress>) -> Shown {
    let is_complete = told.as_ref().is_none_or(|told| told.is_complete);
    let rows = told.map(|told| told.mails.into_iter().map(row).collect());
    Shown { page: visit.page(Section::Console), console: super::PATH, path: PATH, form, rows, is_complete }
}

fn row((order, mail): Told) -> Row {
    let tone = match mail.state {
        "sent" | "done" => "good",
        "parked" | "unknown" | "failed" | "discarded" => "bad",
        "not_called_for" | "passed_over" | "cancelled" => "soft",
        _ => "",
    };
    Row { state: (tone, mail.state.replace('_', " ")), order, item: mail.item.map(|id| (id, parked::path(id))), mail }
}
