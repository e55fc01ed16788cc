//! `/admin/staff/`: who may come behind the counter.

use super::form::Form;
use super::texts::{text, text_with};
use super::{AdminPage, Notice, Section, StaffForm, StaffVisit, password};
use crate::app::App;
use crate::auth::permission::ManageStaff;
use crate::http::{Produces, Routes};
use crate::problem::{Problem, within};
use crate::shop::{Fault, public_base, with_slash};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use commands::staff::accounts::{self, Invitation, StaffError};
use commands::staff::{self, Account, Role, letters, links};
use domain::text::{Email, PersonName};
use http::HeaderMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const PATH: &str = "/admin/staff/";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(PATH, Produces::Html, get(handle))
        .route("/admin/staff/invite/", Produces::Html, post(invite))
        .route("/admin/staff/{id}/", Produces::Html, post(change))
        .always("/admin/staff", Produces::Html, get(with_slash))
}

struct Row {
    id: Uuid,
    name: String,
    email: String,
    roles: Vec<RoleChoice>,
    /// The class and the text of its state.
    state: (&'static str, String),
    last_log_in_at: Option<DateTime<Utc>>,
    disabled: bool,
    /// Whether it is whoever looks.
    own: bool,
}

struct RoleChoice {
    value: &'static str,
    label: String,
    selected: bool,
}

#[derive(Template)]
#[template(path = "admin/staff.html")]
struct Shown {
    page: AdminPage,
    rows: Vec<Row>,
    form: Form,
    /// A link that was made just now: for whom, and where it leads.
    link: Option<(String, String)>,
}

type Visit = StaffVisit<ManageStaff>;

fn form() -> Form {
    let roles = Role::ALL.into_iter().rev();
    let roles = roles.map(|role| (role.as_str().to_owned(), text(&format!("staff-role-{role}")))).collect();
    Form::new()
        .email("email", text("staff-email"))
        .text("name", text("staff-name"), PersonName::MAX_CHARS)
        .select("role", text("staff-role"), roles)
        .hint(text("staff-role-hint"))
}

async fn handle(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    let shown = shown(&app, &visit, form(), None).await?;
    visit.show(&shown, Duration::ZERO).await
}

async fn shown(app: &App, visit: &Visit, form: Form, link: Option<(String, String)>) -> Result<Shown, Fault> {
    let accounts = within(staff::list(app.log.pool())).await?;
    let rows = accounts.into_iter().map(|account| row(account, visit.me.id)).collect();
    Ok(Shown { page: visit.page(Section::Staff), rows, form, link })
}

fn row(account: Account, own: Uuid) -> Row {
    let choice = |role: Role| RoleChoice {
        value: role.as_str(),
        label: text(&format!("staff-role-{role}")),
        selected: role == account.role,
    };
    let state = match (account.disabled_at, account.has_password) {
        (Some(_), _) => ("bad", text("staff-is-disabled")),
        (None, false) => ("warn", text("staff-is-invited")),
        (None, true) => ("good", text("staff-is-active")),
    };
    Row {
        id: account.id,
        name: account.name.to_string(),
        email: account.email.to_string(),
        roles: Role::ALL.map(choice).into(),
        state,
        last_log_in_at: account.last_log_in_at,
        disabled: account.disabled_at.is_some(),
        own: account.id == own,
    }
}

async fn invite(
    State(app): State<Arc<App>>,
    visit: Visit,
    headers: HeaderMap,
    posted: StaffForm,
) -> Result<Response, Fault> {
    let mut form = form();
    form.fill(&posted);
    let email = form.read("email", Email::parse);
    let name = form.read("name", PersonName::parse);
    let role = form.read("role", str::parse::<Role>);
    let (Some(email), Some(name), Some(role)) = (email, name, role) else {
        return visit.show_refused(&shown(&app, &visit, form, None).await?).await;
    };
    let invited = accounts::invite(app.log.pool(), &Invitation { email, name, role }, visit.now()).await;
    match invited {
        Ok(account) => hand_over(&app, &visit, &headers, &posted, &account).await,
        Err(StaffError::Database(error)) => Err(Problem::from(error).into()),
        Err(error) => {
            form.wrong("email", error.to_string());
            visit.show_refused(&shown(&app, &visit, form, None).await?).await
        }
    }
}

/// Sends the link that sets a password, or shows it, this once.
async fn hand_over(
    app: &App,
    visit: &Visit,
    headers: &HeaderMap,
    posted: &StaffForm,
    account: &Account,
) -> Result<Response, Fault> {
    if posted.get("how") == Some("mail") {
        letters::ask(app.members.schedule(), account.id).await.map_err(Problem::from)?;
        let told = text_with("staff-link-is-sent", &[("email", account.email.as_str().into())]);
        visit.tell(app, Notice::good(told)).await?;
        return visit.see_other(PATH);
    }
    let token = links::make(app.log.pool(), account.id, visit.now()).await.map_err(Problem::from)?;
    let token = token.ok_or(Fault::NotFound)?;
    let url = password::link(&public_base(app, headers), &token);
    visit.show(&shown(app, visit, form(), Some((account.email.to_string(), url))).await?, Duration::ZERO).await
}

/// What is done to one account.
async fn change(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
    headers: HeaderMap,
    posted: StaffForm,
) -> Result<Response, Fault> {
    let id: Uuid = id.parse().map_err(|_| Fault::NotFound)?;
    let (pool, now) = (app.log.pool(), visit.now());
    let (changed, told) = match posted.get("act") {
        Some("role") => {
            let role = posted.get("role").and_then(|role| role.parse().ok()).ok_or(Fault::Invalid)?;
            (accounts::set_role(pool, id, role, now).await, "staff-role-is-set")
        }
        Some("disable") => (accounts::disable(pool, id, now).await, "staff-was-disabled"),
        Some("enable") => (accounts::enable(pool, id, now).await, "staff-was-enabled"),
        Some("link") => {
            let account = within(staff::get(pool, id)).await?.filter(|account| account.disabled_at.is_none());
            return hand_over(&app, &visit, &headers, &posted, &account.ok_or(Fault::NotFound)?).await;
        }
        _ => return Err(Fault::Invalid),
    };
    let notice = match changed {
        Ok(account) => Notice::good(text_with(told, &[("email", account.email.as_str().into())])),
        Err(StaffError::NotFound) => return Err(Fault::NotFound),
        Err(StaffError::Database(error)) => return Err(Problem::from(error).into()),
        Err(error) => Notice::bad(error.to_string()),
    };
    visit.tell(&app, notice).await?;
    visit.see_other(PATH)
}
