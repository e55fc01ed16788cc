//! `orders totals`: what was sold, as bars on a terminal, or as JSON.

use super::bars::{Bar, Paper, draw};
use super::tell::tell_of_log;
use crate::analytics::{Figures, Subject};
use crate::roles::{Core, Failure};
use crate::settings::{DatabaseArgs, ViewArgs};
use crate::v1::figures_json;
use chrono::{Days, NaiveDate, Utc};
use chrono_tz::Tz;
use clap::ValueEnum;
use consumers::language::Lang;
use consumers::money;
use domain::{Money, Position};
use projections::order_totals::{Amounts, Units};
use projections::sales::{CitySales, DayRange, DaySales, MAX_RANKED, ProductSales, Sales};
use projections::{ReadError, Seen};
use std::collections::BTreeMap;
use std::io::{self, Write};

pub(super) const EXAMPLES: &str = "\
Examples:
  orders totals --by day
  orders totals --by product --from 2026-01-01 --to 2026-03-31
  orders totals --by city --json | jq '.data[0]'";

/// How many days there are where nothing is said.
const DEFAULT_DAYS: u64 = 30;

/// The arguments of `orders totals`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct TotalsArgs {
    /// What is counted by
    #[arg(long, value_enum)]
    by: By,
    /// The first of the shop's days [default: 29 days before the last]
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// The last of the shop's days, which is included [default: today]
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
    /// The most products, or cities, of each currency
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_RANKED)))]
    limit: u32,
    /// As GET /v1/analytics/… answers it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    views: ViewArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Day,
    Product,
    City,
}

impl By {
    const fn subject(self) -> Subject {
        match self {
            Self::Day => Subject::Days,
            Self::Product => Subject::Products,
            Self::City => Subject::Cities,
        }
    }
}

/// Reads the view once, and draws it.
pub(super) async fn run(args: &TotalsArgs) -> Result<(), Failure> {
    tell_of_log(&args.database, "orders totals", async |core, _| told(args, core).await).await
}

/// What is written. Days are those of the build that serves: its rows are, whatever is configured in this shell.
async fn told(args: &TotalsArgs, core: &Core) -> Result<String, Failure> {
    let views = core.views(projections::Settings { time_zone: args.views.time_zone });
    let time_zone = views.time_zone_of::<Sales>().await.map_err(failure)?;
    let range = range(args, Utc::now().with_timezone(&time_zone).date_naive())?;
    let found = Figures::read(&views, args.by.subject(), range, args.limit).await;
    let Seen { value: figures, position } = found.map_err(failure)?;
    tell_behind(position, core.log.known_head());
    Ok(if args.json {
        figures_json(time_zone, range, &figures) + "\n"
    } else {
        let title = title(args.by, range, time_zone);
        format!("{title}\n\n{}", drawn(&figures, range, Paper::of_stdout()))
    })
}

fn failure(error: ReadError) -> Failure {
    Failure::new(error.to_string())
}

fn range(args: &TotalsArgs, today: NaiveDate) -> Result<DayRange, Failure> {
    let last = args.to.unwrap_or(today);
    let from = args.from.or_else(|| last.checked_sub_days(Days::new(DEFAULT_DAYS - 1)));
    let (Some(from), Some(to)) = (from, last.succ_opt()) else {
        return Err(Failure::new("--to is at the end of the calendar"));
    };
    DayRange::new(from, to).map_err(|error| Failure::new(format!("--from {from} --to {last}: {error}")))
}

/// On standard error: what is on standard output is for pipes too.
fn tell_behind(position: Position, head: Position) {
    if position < head {
        let events = head.0 - position.0;
        // Who closed our errors wants no words.
        let _ = writeln!(io::stderr(), "orders: the last {events} events of the log are not counted yet");
    }
}

fn title(by: By, range: DayRange, time_zone: Tz) -> String {
    let what = match by {
        By::Day => "Placed by day",
        By::Product => "Placed by product",
        By::City => "Placed by city",
    };
    let last = range.to().pred_opt().unwrap_or(range.to());
    format!("{what}, {} to {last} ({})", range.from(), time_zone.name())
}

/// A line before it is drawn.
struct Counted {
    label: String,
    revenue: Money,
    count: u64,
}

/// A block of lines for each currency.
fn drawn(figures: &Figures, range: DayRange, paper: Paper) -> String {
    let (counted, unit): (Vec<Counted>, _) = match figures {
        Figures::Days(days) => (every_day(days, range), "order"),
        Figures::Products(products) => (products.iter().map(of_product).collect(), "piece"),
        Figures::Cities(cities) => (cities.iter().map(of_city).collect(), "order"),
        Figures::PaymentTimes(_) => (Vec::new(), "order"),
    };
    let currencies: BTreeMap<&str, Vec<&Counted>> = counted.iter().fold(BTreeMap::new(), |mut currencies, counted| {
        currencies.entry(counted.revenue.currency().code()).or_default().push(counted);
        currencies
    });
    if currencies.is_empty() {
        return "Nothing was sold.\n".to_owned();
    }
    let back = match figures {
        Figures::Days(days) => taken_back(days),
        _ => BTreeMap::new(),
    };
    let blocks = currencies.into_iter().map(|(currency, counted)| {
        let back = back.get(currency).map(String::as_str).unwrap_or_default();
        block(&counted, unit, paper) + back
    });
    blocks.collect::<Vec<_>>().join("\n")
}

/// A line of each currency of which something was taken back. A sum that is too large to be held exactly is left out.
fn taken_back(days: &[DaySales]) -> BTreeMap<&'static str, String> {
    let mut sums: BTreeMap<&'static str, (u64, Option<Money>)> = BTreeMap::new();
    for back in days.iter().map(|day| day.taken_back).filter(|back| back.payments > 0) {
        let currency = back.amount.currency();
        let (payments, sum) = sums.entry(currency.code()).or_insert_with(|| (0, Some(Money::zero(currency))));
        *payments += back.payments;
        *sum = sum.and_then(|sum| sum.checked_add(back.amount).ok());
    }
    let line = |(currency, (payments, sum)): (&'static str, (u64, Option<Money>))| {
        let plural = if payments == 1 { "" } else { "s" };
        let line = format!("Taken back: {} of {payments} payment{plural}\n", money::shown(sum?, Lang::En));
        Some((currency, line))
    };
    sums.into_iter().filter_map(line).collect()
}

/// Each day of the range in each of its currencies, those too on which nothing was sold.
fn every_day(days: &[DaySales], range: DayRange) -> Vec<Counted> {
    let mut sold: BTreeMap<&str, BTreeMap<NaiveDate, Amounts>> = BTreeMap::new();
    for day in days {
        sold.entry(day.placed.revenue.currency().code()).or_default().insert(day.day, day.placed);
    }
    let of_currency = |sold: BTreeMap<NaiveDate, Amounts>| {
        let currency = sold.values().next().map(|amounts| amounts.revenue.currency());
        let nothing = currency.map(|currency| Amounts { orders: 0, revenue: Money::zero(currency) });
        let on_day = move |day: NaiveDate| {
            let Amounts { orders, revenue } = sold.get(&day).copied().or(nothing)?;
            Some(Counted { label: day.format("%a %F").to_string(), revenue, count: orders })
        };
        range.days().filter_map(on_day)
    };
    sold.into_values().flat_map(of_currency).collect()
}

fn of_product(row: &ProductSales) -> Counted {
    let Units { quantity, revenue } = row.placed;
    Counted { label: row.name.clone(), revenue, count: quantity }
}

fn of_city(row: &CitySales) -> Counted {
    let label = if row.city.is_empty() { "(no address)" } else { row.city.as_str() };
    Counted { label: label.to_owned(), revenue: row.placed.revenue, count: row.placed.orders }
}

/// The lines of one currency, and what they come to. A sum that is too large to be held exactly is left out.
fn block(counted: &[&Counted], unit: &str, paper: Paper) -> String {
    let bar = |label: &str, revenue: Money, count: u64| Bar {
        label: label.to_owned(),
        value: revenue.amount(),
        cells: [money::shown(revenue, Lang::En), format!("{count} {unit}{}", if count == 1 { " " } else { "s" })],
    };
    let bars: Vec<Bar<2>> = counted.iter().map(|row| bar(&row.label, row.revenue, row.count)).collect();
    let revenue = counted.iter().map(|row| Ok(row.revenue)).reduce(|sum, next| sum?.checked_add(next?));
    let sums = revenue.and_then(Result::ok).map(|sum| bar("Together", sum, counted.iter().map(|row| row.count).sum()));
    draw(&bars, sums.as_ref(), paper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use projections::sales::TakenBack;

    fn day(day: &str, amount: &str, currency: &str, orders: u64) -> DaySales {
        let of = |amount, orders| Amounts { orders, revenue: Money::parse(amount, currency).unwrap() };
        let taken_back = TakenBack { payments: 0, amount: Money::parse("0", currency).unwrap() };
        DaySales { day: day.parse().unwrap(), placed: of(amount, orders), paid: of("0", 0), taken_back }
    }

    #[test]
    fn what_was_taken_back_stands_below_its_currency() {
        let back = |payments, amount| TakenBack { payments, amount: Money::parse(amount, "USD").unwrap() };
        let days = [
            DaySales { taken_back: back(1, "4.50"), ..day("2026-03-01", "24.00", "USD", 1) },
            day("2026-03-01", "500", "JPY", 1),
            DaySales { taken_back: back(2, "8.00"), ..day("2026-03-02", "0", "USD", 0) },
        ];
        let range = DayRange::new("2026-03-01".parse().unwrap(), "2026-03-03".parse().unwrap()).unwrap();
        let text = drawn(&Figures::Days(days.to_vec()), range, Paper { columns: 50, in_colour: false });
        assert!(text.ends_with("Taken back: $12.50 of 3 payments\n"), "{text}");
        assert_eq!(text.matches("Taken back").count(), 1, "{text}");
    }

    #[test]
    fn each_currency_has_its_own_lines_and_every_day_one() {
        let days = [
            day("2026-03-01", "500", "JPY", 1),
            day("2026-03-01", "1234.50", "USD", 12),
            day("2026-03-03", "24.00", "USD", 1),
        ];
        let range = DayRange::new("2026-03-01".parse().unwrap(), "2026-03-04".parse().unwrap()).unwrap();
        let text = drawn(&Figures::Days(days.to_vec()), range, Paper { columns: 50, in_colour: false });
        let expected = "\
Sun 2026-03-01  ██████████████████  ¥500  1 order
Mon 2026-03-02                        ¥0  0 orders
Tue 2026-03-03                        ¥0  0 orders
Together                            ¥500  1 order

Sun 2026-03-01  ████████████  $1,234.50  12 orders
Mon 2026-03-02                    $0.00   0 orders
Tue 2026-03-03  ▎                $24.00   1 order
Together                      $1,258.50  13 orders
";
        assert_eq!(text, expected);
        let nothing = drawn(&Figures::Days(Vec::new()), range, Paper { columns: 50, in_colour: false });
        assert_eq!(nothing, "Nothing was sold.\n");
    }
}
