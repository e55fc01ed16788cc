//! What was sold as lines with bars: a block for each currency, with what all of its lines came to below it.

use crate::cli::bars::{Bar, Paper, draw};
use chrono::NaiveDate;
use consumers::language::Lang;
use consumers::money;
use domain::Money;
use projections::order_totals::Amounts;
use projections::sales::{DayRange, DaySales, Ranked, Ranking, Side};
use std::collections::BTreeMap;

/// How things are called: one, several, and what is counted of them.
pub(super) struct Named {
    one: &'static str,
    several: &'static str,
    unit: &'static str,
    /// Where there is no name.
    nameless: &'static str,
}

pub(super) const PRODUCTS: Named = Named { one: "product", several: "products", unit: "piece", nameless: "(no name)" };
pub(super) const CITIES: Named = Named { one: "city", several: "cities", unit: "order", nameless: "(no address)" };

/// A line before it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    label: String,
    revenue: Money,
    count: u64,
}

/// One currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Those with bars.
    lines: Vec<Line>,
    /// What is summed up below them. A sum that is too large to be held exactly is left out.
    sums: Vec<Line>,
    unit: &'static str,
    /// What is to be known besides.
    words: String,
}

impl Block {
    /// Each day of the range in each of its currencies, those too on which nothing was sold.
    pub(super) fn of_days(days: &[DaySales], side: Side, range: DayRange) -> Vec<Self> {
        let mut currencies: BTreeMap<&str, BTreeMap<NaiveDate, &DaySales>> = BTreeMap::new();
        for day in days {
            currencies.entry(day.placed.revenue.currency().code()).or_default().insert(day.day, day);
        }
        let is_told = |day: &&DaySales| amounts(day, side).orders > 0 || day.taken_back.payments > 0;
        currencies.retain(|_, days| days.values().any(is_told));
        currencies.into_values().filter_map(|days| Self::of_currency(&days, side, range)).collect()
    }

    fn of_currency(days: &BTreeMap<NaiveDate, &DaySales>, side: Side, range: DayRange) -> Option<Self> {
        let currency = days.values().next()?.placed.revenue.currency();
        let line = |day: NaiveDate| {
            let nothing = Amounts { orders: 0, revenue: Money::zero(currency) };
            let Amounts { orders, revenue } = days.get(&day).map_or(nothing, |sold| amounts(sold, side));
            Line { label: day.format("%a %F").to_string(), revenue, count: orders }
        };
        let lines: Vec<Line> = range.days().map(line).collect();
        let all = sum(&lines).map(|revenue| together(revenue, lines.iter().map(|line| line.count).sum()));
        let words = taken_back(days.values().copied(), Money::zero(currency));
        Some(Self { sums: all.into_iter().collect(), lines, unit: "order", words })
    }

    /// The things that brought most, what the rest of them came to, and all.
    pub(super) fn of_ranking(Ranking { listed, all }: &Ranking, named: &Named) -> Self {
        let line = |Ranked { label, count, revenue }: &Ranked| {
            let label = if label.is_empty() { named.nameless } else { label.as_str() };
            Line { label: label.to_owned(), revenue: *revenue, count: *count }
        };
        let lines: Vec<Line> = listed.iter().map(line).collect();
        let shown: u64 = lines.iter().map(|line| line.count).sum();
        let rest = || {
            let things = all.things.checked_sub(listed.len() as u64).filter(|things| *things > 0)?;
            let revenue = all.revenue?.checked_sub(sum(&lines)?).ok()?;
            let label = format!("The rest: {things} {}", if things == 1 { named.one } else { named.several });
            Some(Line { label, revenue, count: all.count.saturating_sub(shown) })
        };
        let all = all.revenue.map(|revenue| together(revenue, all.count));
        Self { sums: rest().into_iter().chain(all).collect(), lines, unit: named.unit, words: String::new() }
    }

    fn drawn(&self, paper: Paper) -> String {
        let bar = |Line { label, revenue, count }: &Line| Bar {
            label: label.clone(),
            value: revenue.amount(),
            cells: [
                money::shown(*revenue, Lang::En),
                format!("{count} {}{}", self.unit, if *count == 1 { " " } else { "s" }),
            ],
        };
        let [bars, sums] = [&self.lines, &self.sums].map(|lines| lines.iter().map(bar).collect::<Vec<_>>());
        draw(&bars, &sums, paper) + self.words.as_str()
    }
}

/// All blocks.
pub(super) fn text(blocks: &[Block], side: Side, paper: Paper) -> String {
    match side {
        Side::Placed if blocks.is_empty() => "Nothing was sold.\n".to_owned(),
        Side::Paid if blocks.is_empty() => "Nothing was paid.\n".to_owned(),
        _ => blocks.iter().map(|block| block.drawn(paper)).collect::<Vec<_>>().join("\n"),
    }
}

fn amounts(day: &DaySales, side: Side) -> Amounts {
    match side {
        Side::Placed => day.placed,
        Side::Paid => day.paid,
    }
}

fn together(revenue: Money, count: u64) -> Line {
    Line { label: "Together".to_owned(), revenue, count }
}

fn sum(lines: &[Line]) -> Option<Money> {
    let sum = lines.iter().map(|line| Ok(line.revenue)).reduce(|sum, next| sum?.checked_add(next?));
    sum.and_then(Result::ok)
}

/// A line, where something of a currency was taken back.
fn taken_back<'d>(days: impl Iterator<Item = &'d DaySales>, nothing: Money) -> String {
    let (mut payments, mut sum) = (0, Some(nothing));
    for back in days.map(|day| day.taken_back).filter(|back| back.payments > 0) {
        payments += back.payments;
        sum = sum.and_then(|sum| sum.checked_add(back.amount).ok());
    }
    match sum {
        Some(sum) if payments > 0 => {
            let plural = if payments == 1 { "" } else { "s" };
            format!("Taken back: {} of {payments} payment{plural}\n", money::shown(sum, Lang::En))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use projections::sales::{TakenBack, Together};

    const PAPER: Paper = Paper { columns: 50, in_colour: false };

    fn usd(amount: &str) -> Money {
        Money::parse(amount, "USD").unwrap()
    }

    fn day(day: &str, amount: &str, currency: &str, orders: u64) -> DaySales {
        let of = |amount, orders| Amounts { orders, revenue: Money::parse(amount, currency).unwrap() };
        let taken_back = TakenBack { payments: 0, amount: Money::parse("0", currency).unwrap() };
        DaySales { day: day.parse().unwrap(), placed: of(amount, orders), paid: of("0", 0), taken_back }
    }

    fn march(days: &[DaySales], side: Side, end: &str) -> String {
        let range = DayRange::new("2026-03-01".parse().unwrap(), end.parse().unwrap()).unwrap();
        text(&Block::of_days(days, side, range), side, PAPER)
    }

    #[test]
    fn what_was_taken_back_stands_below_its_currency() {
        let back = |payments, amount| TakenBack { payments, amount: usd(amount) };
        let days = [
            DaySales { taken_back: back(1, "4.50"), ..day("2026-03-01", "24.00", "USD", 1) },
            day("2026-03-01", "500", "JPY", 1),
            DaySales { taken_back: back(2, "8.00"), ..day("2026-03-02", "0", "USD", 0) },
        ];
        let text = march(&days, Side::Placed, "2026-03-03");
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
        assert_eq!(march(&days, Side::Placed, "2026-03-04"), expected);
        assert_eq!(march(&[], Side::Placed, "2026-03-04"), "Nothing was sold.\n");
    }

    #[test]
    fn what_was_paid_is_drawn_apart_from_what_was_placed() {
        let paid = Amounts { orders: 1, revenue: usd("10.00") };
        let days = [DaySales { paid, ..day("2026-03-01", "24.00", "USD", 2) }, day("2026-03-01", "500", "JPY", 1)];
        let expected = "\
Sun 2026-03-01  ████████████████  $10.00  1 order
Together                          $10.00  1 order
";
        assert_eq!(march(&days, Side::Paid, "2026-03-02"), expected);
        assert_eq!(march(&days[1..], Side::Paid, "2026-03-02"), "Nothing was paid.\n");
    }

    #[test]
    fn what_is_not_listed_is_summed_up_and_all_is_all() {
        let ranked = |label: &str, count, amount| Ranked { label: label.to_owned(), count, revenue: usd(amount) };
        let listed = vec![ranked("Bath", 3, "30.00"), ranked("", 1, "15.00")];
        let all = Together { things: 4, count: 9, revenue: Some(usd("60.00")) };
        let drawn = Block::of_ranking(&Ranking { listed: listed.clone(), all }, &CITIES).drawn(PAPER);
        let expected = "\
Bath                ████████████  $30.00  3 orders
(no address)        ██████        $15.00  1 order
The rest: 2 cities                $15.00  5 orders
Together                          $60.00  9 orders
";
        assert_eq!(drawn, expected);
        let all = Together { things: 2, count: 4, revenue: Some(usd("45.00")) };
        assert!(!Block::of_ranking(&Ranking { listed, all }, &CITIES).drawn(PAPER).contains("rest"), "nothing is");
    }
}
