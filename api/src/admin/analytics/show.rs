//! `GET /analytics/`: the page. It costs five reads of the view, a look at its build, and two counts, however long the
//! range is.

use super::figure::{Cell, Chart, Day, Mark, Ranked, RankedRow, Series};
use super::headline::{Compared, Headline, Sums, headlines, percent};
use super::{PATH, wrong};
use crate::admin::list::Query;
use crate::admin::texts::{text, text_with};
use crate::admin::{AdminPage, Section, StaffVisit};
use crate::analytics::{Conversion, Named, Picked, Step, Unfit, average, conversion, percent_of, time_zone};
use crate::app::App;
use crate::auth::permission::ReadTotals;
use crate::shop::{Fault, Reads};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::Money;
use projections::Projection;
use projections::order_totals::Amounts;
use projections::sales::{self, CitySales, DayRange, DaySales, PaymentTime, ProductSales, Sales, TakenBack};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many products, and cities, of each currency are shown; the file has more.
const SHOWN_RANKED: u32 = 10;
/// How many currencies are shown; the file has all.
const SHOWN_CURRENCIES: usize = 6;

/// A range that can be picked.
struct Choice {
    label: String,
    url: String,
    current: bool,
}

/// All of one currency.
struct Block {
    /// Which, where there are several.
    heading: Option<&'static str>,
    charts: Vec<Chart>,
    ranked: Vec<Ranked>,
}

#[derive(Template)]
#[template(path = "admin/analytics.html")]
struct Shown {
    page: AdminPage,
    path: &'static str,
    choices: Vec<Choice>,
    from: NaiveDate,
    last_day: NaiveDate,
    /// What stands in the form: that range, or what was typed and is none.
    typed: [String; 2],
    /// Why it is none.
    wrong: Option<String>,
    today: NaiveDate,
    time_zone: &'static str,
    /// Which days the change is told of.
    compared: Option<String>,
    headlines: Vec<Headline>,
    blocks: Vec<Block>,
    /// Currencies that are not shown.
    others: Vec<&'static str>,
    ranked: Vec<Ranked>,
}

/// What was read.
struct Found {
    days: Vec<DaySales>,
    products: Vec<ProductSales>,
    cities: Vec<CitySales>,
    times: Vec<PaymentTime>,
    conversion: Conversion,
    /// Days that are over, and what was sold in as many of the range before.
    compared: Option<(DayRange, DayRange, Vec<DaySales>)>,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: StaffVisit<ReadTotals>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let zone = time_zone(&app.views).await?;
    let today = visit.now().with_timezone(&zone).date_naive();
    let query = Query::parse(query.as_deref());
    let (picked, unfit) = match Picked::of(&query, today) {
        Ok(picked) => (picked, None),
        Err(unfit) => (Picked::usual(today).ok_or(Fault::Invalid)?, Some(unfit)),
    };
    let mut reads = Reads::default();
    let found = find(&app, &mut reads, picked, zone, visit.now()).await?;
    let page = visit.page(Section::Analytics);
    let now = Sums::of(found.days.iter(), &found.times);
    let currencies = now.currencies();
    let (shown, others) = currencies.split_at(currencies.len().min(SHOWN_CURRENCIES));
    let block = |&code: &&'static str| block(&page, &found, picked, code, currencies.len() > 1);
    let shown = Shown {
        path: PATH,
        choices: choices(picked),
        from: picked.range.from(),
        last_day: picked.last_day(),
        typed: typed(&query, picked, unfit),
        wrong: unfit.map(wrong),
        today,
        time_zone: zone.name(),
        compared: found.compared.as_ref().map(|(over, before, _)| compared_words(*over, *before)),
        headlines: headlines(&page, &now, found.compared().as_ref()),
        blocks: shown.iter().map(block).collect(),
        others: others.to_vec(),
        ranked: vec![times(&found.times, picked), steps(found.conversion, picked)],
        page,
    };
    if shown.wrong.is_some() { visit.show_refused(&shown).await } else { visit.show(&shown, reads.took).await }
}

/// What stands in the form's two fields.
fn typed(query: &Query, picked: Picked, unfit: Option<Unfit>) -> [String; 2] {
    // Of a name that is none nothing was typed there.
    match unfit.filter(|unfit| *unfit != Unfit::Name) {
        Some(_) => ["from", "to"].map(|name| query.get(name).unwrap_or_default().to_owned()),
        None => [picked.range.from(), picked.last_day()].map(|day| day.to_string()),
    }
}

async fn find(app: &App, reads: &mut Reads, picked: Picked, zone: Tz, now: DateTime<Utc>) -> Result<Found, Fault> {
    let (views, range) = (&app.views, picked.range);
    let days = reads.run(Sales::NAME, sales::by_day(views, range)).await?;
    let compared = match picked.compared(now.with_timezone(&zone).date_naive()) {
        Some((over, before)) => {
            let sold = reads.run(Sales::NAME, sales::by_day(views, before)).await?;
            Some((over, before, sold))
        }
        None => None,
    };
    let products = reads.run(Sales::NAME, sales::by_product(views, range, SHOWN_RANKED)).await?;
    let cities = reads.run(Sales::NAME, sales::by_city(views, range, SHOWN_RANKED)).await?;
    let times = reads.run(Sales::NAME, sales::payment_times(views, range)).await?;
    let begun = conversion(app.log.pool(), zone, range, now).await;
    let conversion = Conversion::of(begun, &days, &times);
    Ok(Found { days, products, cities, times, conversion, compared })
}

impl Found {
    fn compared(&self) -> Option<Compared> {
        let (over, _, before) = self.compared.as_ref()?;
        let now = self.days.iter().filter(|day| over.holds(day.day));
        Some(Compared { now: Sums::of(now, &[]), before: Sums::of(before.iter(), &[]) })
    }
}

fn compared_words(over: DayRange, before: DayRange) -> String {
    let days = |range: DayRange| format!("{} – {}", range.from(), range.to().pred_opt().unwrap_or(range.to()));
    text_with("analytics-compared", &[("over", days(over).into()), ("before", days(before).into())])
}

fn choices(picked: Picked) -> Vec<Choice> {
    let choice = |named: Named| Choice {
        label: text(&named.text()),
        url: format!("{PATH}?range={}", named.as_str()),
        current: picked.name == Some(named),
    };
    Named::ALL.into_iter().map(choice).collect()
}

fn csv(name: &str, picked: Picked) -> String {
    format!("{PATH}{name}.csv{}", picked.query())
}

fn block(page: &AdminPage, found: &Found, picked: Picked, code: &'static str, several: bool) -> Block {
    let is_of = |revenue: Money| revenue.currency().code() == code;
    let days: BTreeMap<NaiveDate, &DaySales> =
        found.days.iter().filter(|day| is_of(day.placed.revenue)).map(|day| (day.day, day)).collect();
    let products: Vec<_> = found.products.iter().filter(|row| is_of(row.placed.revenue)).collect();
    let cities: Vec<_> = found.cities.iter().filter(|row| is_of(row.placed.revenue)).collect();
    Block {
        heading: several.then_some(code),
        charts: charts(page, &days, picked, code),
        ranked: vec![by_product(page, &products, picked), by_city(page, &cities, picked)],
    }
}

/// Revenue, orders and the average basket by day.
fn charts(page: &AdminPage, days: &BTreeMap<NaiveDate, &DaySales>, picked: Picked, code: &'static str) -> Vec<Chart> {
    let Some(currency) = days.values().next().map(|day| day.placed.revenue.currency()) else { return Vec::new() };
    let nothing = Amounts { orders: 0, revenue: Money::zero(currency) };
    let none_back = TakenBack { payments: 0, amount: Money::zero(currency) };
    let of = |day: NaiveDate| {
        let sold = days.get(&day).map(|day| (day.placed, day.paid, day.taken_back));
        sold.unwrap_or((nothing, nothing, none_back))
    };
    let money = |amount: Money| Cell { value: amount.amount(), shown: page.money(&amount) };
    let count = |count: u64| Cell { value: Decimal::from(count), shown: count.to_string() };
    let rows = |cells: &dyn Fn(Amounts, Amounts, TakenBack) -> Vec<Cell>| -> Vec<Day> {
        let day = |day: NaiveDate| {
            let (placed, paid, taken_back) = of(day);
            Day { day: day.to_string(), cells: cells(placed, paid, taken_back) }
        };
        picked.range.days().map(day).collect()
    };
    // A third line where there is something to see.
    let is_back = days.values().any(|day| day.taken_back.payments > 0);
    let back = is_back.then(|| series("analytics-taken-back", Mark::Dashed));
    let (placed, paid) = (|mark| series("analytics-placed", mark), |mark| series("analytics-paid", mark));
    let chart = |name: &str, currency: &'static str, series: Vec<Series>, days: Vec<Day>| {
        let mut chart = Chart {
            id: format!("{name}-{}", code.to_lowercase()),
            title: text(&format!("analytics-{name}-by-day")),
            words: String::new(),
            currency,
            series,
            days,
            csv: csv("days", picked),
        };
        chart.words = words(&chart);
        chart
    };
    vec![
        chart(
            "revenue",
            code,
            [placed(Mark::Line), paid(Mark::Dashed)].into_iter().chain(back).collect(),
            rows(&|placed, paid, taken_back| {
                let back = is_back.then(|| money(taken_back.amount));
                [money(placed.revenue), money(paid.revenue)].into_iter().chain(back).collect()
            }),
        ),
        chart(
            "orders",
            "",
            vec![placed(Mark::Bars), paid(Mark::Dashed)],
            rows(&|placed, paid, _| vec![count(placed.orders), count(paid.orders)]),
        ),
        chart(
            "basket",
            code,
            vec![series("analytics-basket", Mark::Bars)],
            rows(&|placed, _, _| vec![money(average(placed.revenue, placed.orders).unwrap_or(nothing.revenue))]),
        ),
    ]
}

fn series(name: &str, mark: Mark) -> Series {
    Series { name: text(name), mark }
}

fn words(chart: &Chart) -> String {
    match chart.peak() {
        Some((day, value)) => {
            let (day, value) = (day.to_owned(), value.to_owned());
            text_with("analytics-peak", &[("day", day.into()), ("value", value.into())])
        }
        None => text("analytics-no-peak"),
    }
}

fn by_product(page: &AdminPage, products: &[&ProductSales], picked: Picked) -> Ranked {
    let row = |row: &&ProductSales| RankedRow {
        label: row.name.clone(),
        detail: row.sku.clone(),
        length: 0,
        cells: vec![row.placed.quantity.to_string(), page.money(&row.placed.revenue), page.money(&row.paid.revenue)],
    };
    Ranked {
        title: text("analytics-by-product"),
        note: None,
        label_head: text("analytics-product"),
        heads: ["analytics-pieces", "analytics-placed", "analytics-paid"].map(text).into(),
        rows: Ranked::rows(products, |row| row.placed.revenue.amount(), row),
        csv: csv("products", picked),
    }
}

fn by_city(page: &AdminPage, cities: &[&CitySales], picked: Picked) -> Ranked {
    let row = |row: &&CitySales| RankedRow {
        label: if row.city.is_empty() { text("analytics-no-address") } else { row.city.clone() },
        detail: String::new(),
        length: 0,
        cells: vec![row.placed.orders.to_string(), page.money(&row.placed.revenue), page.money(&row.paid.revenue)],
    };
    Ranked {
        title: text("analytics-by-city"),
        note: None,
        label_head: text("analytics-city"),
        heads: ["staff-nav-orders", "analytics-placed", "analytics-paid"].map(text).into(),
        rows: Ranked::rows(cities, |row| row.placed.revenue.amount(), row),
        csv: csv("cities", picked),
    }
}

/// How long after placing orders are paid.
fn times(times: &[PaymentTime], picked: Picked) -> Ranked {
    let all: u64 = times.iter().map(|time| time.orders).sum();
    let waited_ms: u64 = times.iter().map(|time| time.waited_ms).sum();
    let row = |time: &PaymentTime| RankedRow {
        label: span(time.span.within_s()),
        detail: String::new(),
        length: 0,
        cells: vec![
            time.orders.to_string(),
            percent_of(time.orders, all).map_or_else(|| text("staff-nothing"), percent),
        ],
    };
    let average = waited_ms
        .checked_div(all)
        .map(|average_ms| text_with("analytics-times-average", &[("time", duration(average_ms / 1_000).into())]));
    let note = text("analytics-times-note");
    Ranked {
        title: text("analytics-times"),
        note: Some(average.map_or(note.clone(), |average| format!("{average} {note}"))),
        label_head: text("analytics-within"),
        heads: ["staff-nav-orders", "analytics-share"].map(text).into(),
        rows: Ranked::rows(times, |time| Decimal::from(time.orders), row),
        csv: csv("payment-times", picked),
    }
}

/// From carts to payments.
fn steps(conversion: Conversion, picked: Picked) -> Ranked {
    let unknown = || text("analytics-unknown");
    let row = |step: &Step| RankedRow {
        label: text(&format!("analytics-step-{}", step.name)),
        detail: text(&format!("analytics-step-{}-words", step.name)),
        length: 0,
        cells: vec![
            step.count.map_or_else(unknown, |count| count.to_string()),
            // The first has none before it.
            if step.name == "carts" { String::new() } else { step.percent.map_or_else(unknown, percent) },
        ],
    };
    Ranked {
        title: text("analytics-conversion"),
        note: Some(text("analytics-conversion-note")),
        label_head: text("analytics-step"),
        heads: ["analytics-count", "analytics-of-step-before"].map(text).into(),
        rows: Ranked::rows(&conversion.steps(), |step| Decimal::from(step.count.unwrap_or_default()), row),
        csv: csv("conversion", picked),
    }
}

fn span(within_s: Option<u32>) -> String {
    match within_s {
        Some(seconds) => duration(seconds.into()),
        None => text("analytics-longer"),
    }
}

/// A length of time in the largest unit that it has two of, or one exactly.
fn duration(seconds: u64) -> String {
    let units = [("analytics-days", 86_400), ("analytics-hours", 3_600), ("analytics-minutes", 60)];
    let fits = |(_, unit): &(&str, u64)| seconds >= 2 * unit || seconds == *unit;
    let (id, unit) = units.into_iter().find(fits).unwrap_or(("analytics-seconds", 1));
    text_with(id, &[("count", (seconds / unit).into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_told_in_their_own_unit() {
        let told = [0, 45, 60, 90, 300, 3_600, 7_200, 86_400, 604_800].map(duration);
        assert_eq!(told, ["0 s", "45 s", "1 min", "90 s", "5 min", "1 h", "2 h", "1 day", "7 days"]);
    }

    #[test]
    fn every_range_and_step_has_words() {
        for named in Named::ALL {
            assert_ne!(text(&named.text()), named.text());
        }
        for unfit in [Unfit::Name, Unfit::Day, Unfit::Backwards, Unfit::TooLong] {
            assert_ne!(wrong(unfit), unfit.text());
        }
        assert!(wrong(Unfit::TooLong).contains("732"));
        for id in ["carts", "orders", "payments", "paid"].map(|step| format!("analytics-step-{step}-words")) {
            assert_ne!(text(&id), id);
        }
    }
}
