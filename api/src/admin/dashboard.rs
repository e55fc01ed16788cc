//! `/admin/`: what is going on today, and what waits for somebody.

use super::texts::{text, text_with};
use super::{AdminPage, Section, StaffVisit};
use crate::app::App;
use crate::auth::permission::{LogIn, ReadTotals};
use crate::problem::within;
use crate::shop::{Fault, Reads};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{Days as CalendarDays, NaiveDate};
use commands::{messages, payments::notices};
use consumers::parked;
use domain::{AggregateType, Money};
use projections::Projection;
use projections::order_list::{self, Desk, OrderList};
use projections::order_totals::{self, DayTotals, Days, OrderTotals};
use std::sync::Arc;

/// How many currencies a shop may have had in the days shown; beyond, the oldest are left out.
const MAX_ROWS: u32 = 100;
/// How many days are shown.
const SHOWN_DAYS: u64 = 7;
/// How many things that wait are shown of each kind.
const SHOWN_ITEMS: u32 = 10;

/// A number at the top.
struct Headline {
    label: String,
    value: String,
    below: String,
}

/// What waits for somebody.
struct Waiting {
    label: String,
    count: String,
    items: Vec<Item>,
}

struct Item {
    /// Where it is looked at; none where that is not here.
    path: Option<String>,
    label: String,
    detail: String,
    ago: String,
}

struct Day {
    day: String,
    orders: u64,
    revenue: String,
    paid: String,
}

#[derive(Template)]
#[template(path = "admin/dashboard.html")]
struct Shown {
    page: AdminPage,
    headlines: Vec<Headline>,
    days: Vec<Day>,
    waiting: Vec<Waiting>,
}

pub(super) async fn handle(State(app): State<Arc<App>>, visit: StaffVisit<LogIn>) -> Result<Response, Fault> {
    let mut reads = Reads::default();
    let today = visit.now().with_timezone(&app.views.time_zone()).date_naive();
    let totals = if visit.may::<ReadTotals>() { totals(&app, &mut reads, today).await? } else { Vec::new() };
    let page = visit.page(Section::Dashboard);
    let waiting = waiting(&app, &mut reads, &page).await?;
    let headlines = if visit.may::<ReadTotals>() { headlines(&page, &totals, today) } else { Vec::new() };
    let days = totals.iter().map(|totals| day(&page, totals)).collect();
    visit.show(&Shown { page, headlines, days, waiting }, reads.took).await
}

async fn totals(app: &App, reads: &mut Reads, today: NaiveDate) -> Result<Vec<DayTotals>, Fault> {
    let from = today.checked_sub_days(CalendarDays::new(SHOWN_DAYS - 1));
    let days = Days { from, to: today.checked_add_days(CalendarDays::new(1)) };
    Ok(reads.run(OrderTotals::NAME, order_totals::by_day(&app.views, days, None, MAX_ROWS)).await?.rows)
}

fn day(page: &AdminPage, totals: &DayTotals) -> Day {
    Day {
        day: totals.day.to_string(),
        orders: totals.placed.orders,
        revenue: page.money(&totals.placed.revenue),
        paid: page.money(&totals.paid.revenue),
    }
}

/// Of today, beside yesterday; amounts of each currency.
fn headlines(page: &AdminPage, totals: &[DayTotals], today: NaiveDate) -> Vec<Headline> {
    let of = |day: Option<NaiveDate>| totals.iter().filter(move |totals| Some(totals.day) == day);
    let yesterday = today.pred_opt();
    let orders = |day| of(day).map(|totals| totals.placed.orders).sum::<u64>();
    let paid_orders = |day| of(day).map(|totals| totals.paid.orders).sum::<u64>();
    let amounts = |day, amount: fn(&DayTotals) -> &Money| {
        let amounts: Vec<String> = of(day).map(|totals| page.money(amount(totals))).collect();
        if amounts.is_empty() { text("staff-nothing") } else { amounts.join(" · ") }
    };
    let headline = |label: &str, value: String, before: String| Headline {
        label: text(label),
        value,
        below: text_with("staff-yesterday", &[("value", before.into())]),
    };
    vec![
        headline("staff-orders-today", orders(Some(today)).to_string(), orders(yesterday).to_string()),
        headline(
            "staff-revenue-today",
            amounts(Some(today), |totals| &totals.placed.revenue),
            amounts(yesterday, |totals| &totals.placed.revenue),
        ),
        headline("staff-paid-today", paid_orders(Some(today)).to_string(), paid_orders(yesterday).to_string()),
        headline(
            "staff-received-today",
            amounts(Some(today), |totals| &totals.paid.revenue),
            amounts(yesterday, |totals| &totals.paid.revenue),
        ),
    ]
}

/// What waits, of each kind the first few.
async fn waiting(app: &App, reads: &mut Reads, page: &AdminPage) -> Result<Vec<Waiting>, Fault> {
    let pool = app.log.pool();
    let messages = within(messages::unanswered(pool, SHOWN_ITEMS + 1)).await?;
    let mails = parked::list(pool, 0, SHOWN_ITEMS + 1).await.map_err(|error| {
        tracing::warn!(%error, "the ledger of mails can't be read");
        Fault::Unavailable(2)
    })?;
    let notices = within(notices::to_look_at(pool, SHOWN_ITEMS + 1)).await?;
    let review = Desk { needs_review: true, ..Desk::default() };
    let review = reads.run(OrderList::NAME, order_list::desk(&app.views, &review, None, SHOWN_ITEMS + 1)).await?.rows;
    let review = review.into_iter().map(|row| Item {
        path: Some(order_path(&row.id.to_string())),
        label: format!("#{}", row.number),
        detail: page.money(&row.total),
        ago: page.ago(&row.updated_at),
    });
    let messages = messages.into_iter().map(|(order, at)| Item {
        path: Some(order_path(&order.to_string())),
        label: short(&order.to_string()),
        detail: text("staff-wrote"),
        ago: page.ago(&at),
    });
    let mails = mails.into_iter().map(|mail| Item {
        path: (mail.aggregate_type == AggregateType::Order.as_str()).then(|| order_path(&mail.aggregate_id)),
        label: format!("{} {}", mail.consumer, short(&mail.aggregate_id)),
        detail: mail.reason.unwrap_or_default(),
        ago: page.ago(&mail.since),
    });
    let notices = notices.into_iter().map(|notice| Item {
        path: None,
        label: format!("{} {}", notice.provider, notice.kind),
        detail: notice.outcome.unwrap_or_default(),
        ago: page.ago(&notice.received_at),
    });
    Ok(vec![
        Waiting::of("staff-waiting-review", review),
        Waiting::of("staff-waiting-messages", messages),
        Waiting::of("staff-waiting-mails", mails),
        Waiting::of("staff-waiting-notices", notices),
    ])
}

impl Waiting {
    fn of(label: &str, items: impl Iterator<Item = Item>) -> Self {
        let mut items: Vec<Item> = items.collect();
        let more = items.len() > SHOWN_ITEMS as usize;
        items.truncate(SHOWN_ITEMS as usize);
        let count = if more { format!("{}+", items.len()) } else { items.len().to_string() };
        Self { label: text(label), count, items }
    }
}

fn order_path(id: &str) -> String {
    format!("/admin/orders/{id}/")
}

/// As much of an id as tells two apart.
fn short(id: &str) -> String {
    let end: String = id.chars().rev().take(8).collect();
    end.chars().rev().collect()
}
