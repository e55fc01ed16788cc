//! `/admin/members/`: the accounts of customers. A list shows no more of somebody than it takes to tell them apart.

use crate::admin::acting::Acting as ActingAs;
use crate::admin::list::{Filters, Pager, Query};
use crate::admin::texts::{text, text_with};
use crate::admin::{AdminPage, Notice, Section, StaffForm, StaffVisit};
use crate::app::App;
use crate::auth::permission::{PlaceOrders, ReadMembers, WriteMembers};
use crate::http::{Produces, Routes};
use crate::problem::{Problem, within};
use crate::shop::{Close, Fault, Group, Reads, with_slash};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, Utc};
use commands::members::staff::{self, Wanted};
use commands::members::{self, Member};
use domain::ids::SubjectId;
use projections::Projection;
use projections::order_list::{self, OrderList, OrderRow};
use std::sync::Arc;
use std::time::Duration;

const PATH: &str = "/admin/members/";
const PAGE_ROWS: u32 = 50;
/// The last orders of a member that are shown.
const ORDERS: u32 = 20;

type Visit = StaffVisit<ReadMembers>;
type Acting = ActingAs<WriteMembers>;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(PATH, Produces::Html, get(list))
        .route("/admin/members/{id}/", Produces::Html, get(show).post(act))
        .always("/admin/members", Produces::Html, get(with_slash))
}

struct Row {
    path: String,
    name: String,
    email: String,
    since: DateTime<Utc>,
    disabled: bool,
}

#[derive(Template)]
#[template(path = "admin/members.html")]
struct List {
    page: AdminPage,
    filters: Filters,
    pager: Pager,
    rows: Vec<Row>,
}

fn name(member: &Member) -> String {
    format!("{} {}", member.first_name, member.last_name)
}

async fn list(State(app): State<Arc<App>>, visit: Visit, RawQuery(raw): RawQuery) -> Result<Response, Fault> {
    let query = Query::parse(raw.as_deref());
    let begins = query.get("q").map(str::trim).filter(|text| !text.is_empty());
    let disabled = query.get("state").map(|state| state == "disabled");
    let after = query.after().and_then(|id| id.parse().ok()).map(SubjectId);
    // One more than is shown says whether there is another page.
    let wanted = Wanted { begins, disabled };
    let mut found = within(staff::list(app.log.pool(), &wanted, after, PAGE_ROWS + 1)).await?;
    let is_more = found.len() > PAGE_ROWS as usize;
    found.truncate(PAGE_ROWS as usize);
    let next = found.last().filter(|_| is_more).map(|member| member.id.0.to_string());
    let count = text_with("goods-shown", &[("count", found.len().into())]);
    let states = [("active", text("member-active")), ("disabled", text("member-disabled"))];
    let row = |member: &Member| Row {
        path: format!("{PATH}{}/", member.id.0),
        name: name(member),
        email: member.email.to_string(),
        since: member.created_at,
        disabled: member.disabled_at.is_some(),
    };
    let shown = List {
        page: visit.page(Section::Members),
        filters: Filters::new(PATH, &query).search(text("member-search")).choices(
            text("member-state"),
            "state",
            &states,
        ),
        pager: Pager::new(PATH, &query, count, next.as_deref()),
        rows: found.iter().map(row).collect(),
    };
    visit.show(&shown, Duration::ZERO).await
}

struct Order {
    path: String,
    number: String,
    placed_at: DateTime<Utc>,
    total: String,
    paid: bool,
}

#[derive(Template)]
#[template(path = "admin/member.html")]
struct Shown {
    page: AdminPage,
    path: String,
    name: String,
    email: String,
    lang: String,
    /// Where orders go, line by line; empty where it is not known.
    address: Vec<String>,
    since: DateTime<Utc>,
    disabled_at: Option<DateTime<Utc>>,
    orders: Vec<Order>,
    /// Where an order is placed for them, for who may.
    order_path: Option<String>,
    may_write: bool,
}

async fn known(app: &App, id: &str) -> Result<Member, Fault> {
    let id = SubjectId(id.parse().map_err(|_| Fault::NotFound)?);
    within(members::get(app.log.pool(), id)).await?.ok_or(Fault::NotFound)
}

async fn show(State(app): State<Arc<App>>, visit: Visit, Path(id): Path<String>) -> Result<Response, Fault> {
    let member = known(&app, &id).await?;
    let mut reads = Reads::default();
    let own = order_list::of_subject(&app.views, member.id, None, ORDERS);
    let own = reads.run(OrderList::NAME, own).await?;
    let page = visit.page(Section::Members);
    let address = member.address.as_ref().map_or_else(Vec::new, |place| {
        vec![place.address.to_string(), format!("{} {}", place.postal_code, place.city)]
    });
    let order_path = format!("{}?member={}", super::counter::PATH, member.id.0);
    let shown = Shown {
        path: format!("{PATH}{}/", member.id.0),
        name: name(&member),
        email: member.email.to_string(),
        lang: member.lang.clone(),
        address,
        since: member.created_at,
        disabled_at: member.disabled_at,
        orders: own.rows.iter().map(|row| order(row, &page)).collect(),
        order_path: visit.may::<PlaceOrders>().then_some(order_path),
        may_write: visit.may::<WriteMembers>(),
        page,
    };
    visit.show(&shown, reads.took).await
}

fn order(row: &OrderRow, page: &AdminPage) -> Order {
    Order {
        path: format!("/admin/orders/{}/", row.id),
        number: row.number.to_string(),
        placed_at: row.placed_at,
        total: page.money(&row.total),
        paid: row.paid,
    }
}

async fn act(
    State(app): State<Arc<App>>,
    acting: Acting,
    Path(id): Path<String>,
    posted: StaffForm,
) -> Result<Response, Fault> {
    let Member { id, .. } = known(&app, &id).await?;
    let pool = app.log.pool();
    let (found, told) = match posted.get("act") {
        Some("disable") => (staff::disable(pool, id, &acting.me.actor(), acting.now()).await, "member-was-disabled"),
        Some("enable") => (staff::enable(pool, id, acting.now()).await, "member-was-enabled"),
        _ => return Err(Fault::Invalid),
    };
    if !found.map_err(Problem::from)? {
        return Err(Fault::NotFound);
    }
    if posted.get("act") == Some("disable") {
        // Who follows an order is looked at anew.
        app.live.hub().close(Group::Member(id.0), Close::Again);
    }
    acting.tell(&app, Notice::good(text(told))).await?;
    acting.see_other(&format!("{PATH}{}/", id.0))
}
