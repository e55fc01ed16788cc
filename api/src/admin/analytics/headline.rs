//! The numbers above the pictures, with the change against the range before, as far as days are over.

use super::super::texts::{text, text_with};
use crate::admin::AdminPage;
use crate::analytics::{average, percent_of};
use domain::Money;
use projections::sales::{DaySales, PaymentTime, TakenBack};
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::BTreeMap;

/// A number at the top.
pub(super) struct Headline {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) below: String,
}

/// What a range came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    orders: u64,
    /// Of each currency: how many orders, and how much.
    currencies: BTreeMap<&'static str, (u64, Money)>,
    paid: u64,
    /// How many payments were taken back, and how much of each currency.
    taken_back: (u64, BTreeMap<&'static str, Money>),
}

impl Sums {
    /// The sums of these days; one that is too large to be held exactly is left out.
    pub(super) fn of<'d>(days: impl Iterator<Item = &'d DaySales>, times: &[PaymentTime]) -> Self {
        let mut sums = Self { paid: times.iter().map(|time| time.orders).sum(), ..Self::default() };
        for day in days {
            let revenue = day.placed.revenue;
            sums.orders += day.placed.orders;
            let entry = sums.currencies.entry(revenue.currency().code());
            let (orders, sum) = entry.or_insert((0, Money::zero(revenue.currency())));
            *orders += day.placed.orders;
            *sum = sum.checked_add(revenue).unwrap_or(*sum);
            sums.take_back(day.taken_back);
        }
        sums
    }

    fn take_back(&mut self, TakenBack { payments, amount }: TakenBack) {
        if payments > 0 {
            let (all, currencies) = &mut self.taken_back;
            *all += payments;
            let sum = currencies.entry(amount.currency().code()).or_insert_with(|| Money::zero(amount.currency()));
            *sum = sum.checked_add(amount).unwrap_or(*sum);
        }
    }

    /// The currencies, that with the most orders first.
    pub(super) fn currencies(&self) -> Vec<&'static str> {
        let mut currencies: Vec<_> = self.currencies.iter().map(|(code, (orders, _))| (*orders, *code)).collect();
        currencies.sort_by(|(more, code), (less, other)| less.cmp(more).then(code.cmp(other)));
        currencies.into_iter().map(|(_, code)| code).collect()
    }

    fn amounts(&self, page: &AdminPage, amount: impl Fn(u64, Money) -> Option<Money>) -> String {
        let shown = self.currencies().into_iter().filter_map(|code| {
            let (orders, revenue) = *self.currencies.get(code)?;
            Some(page.money(&amount(orders, revenue)?))
        });
        let shown: Vec<String> = shown.collect();
        if shown.is_empty() { text("staff-nothing") } else { shown.join(" · ") }
    }

    /// The amount of the only currency.
    fn only(&self, amount: impl Fn(u64, Money) -> Option<Money>) -> Option<Decimal> {
        let mut currencies = self.currencies.values();
        let (orders, revenue) = *currencies.next()?;
        if currencies.next().is_some() { None } else { Some(amount(orders, revenue)?.amount()) }
    }

    fn paid_share(&self) -> Option<Decimal> {
        // Counted apart, so that for a moment more may be paid than are placed.
        Some(percent_of(self.paid, self.orders)?.min(Decimal::ONE_HUNDRED))
    }
}

/// What a change is told of: the complete days of a range, and as many of the range before. Nothing where no day is
/// over.
pub(super) struct Compared {
    pub(super) now: Sums,
    pub(super) before: Sums,
}

/// The numbers of a range, and how they changed. How many were paid is not compared: the range before had more time.
pub(super) fn headlines(page: &AdminPage, now: &Sums, compared: Option<&Compared>) -> Vec<Headline> {
    let whole = |_: u64, revenue: Money| Some(revenue);
    let basket = |orders: u64, revenue: Money| average(revenue, orders);
    let below = |change: &dyn Fn(&Compared) -> String| compared.map_or_else(|| text("analytics-not-compared"), change);
    let mut headlines = vec![
        Headline {
            label: text("staff-nav-orders"),
            value: now.orders.to_string(),
            below: below(&|Compared { now, before }| {
                let (after, shown) = (Decimal::from(now.orders), before.orders.to_string());
                changed(Some(after), Some(Decimal::from(before.orders)), shown)
            }),
        },
        Headline {
            label: text("staff-revenue"),
            value: now.amounts(page, whole),
            below: below(&|Compared { now, before }| {
                changed(now.only(whole), before.only(whole), before.amounts(page, whole))
            }),
        },
        Headline {
            label: text("analytics-basket"),
            value: now.amounts(page, basket),
            below: below(&|Compared { now, before }| {
                changed(now.only(basket), before.only(basket), before.amounts(page, basket))
            }),
        },
        Headline {
            label: text("analytics-paid-share"),
            value: now.paid_share().map_or_else(|| text("staff-nothing"), percent),
            below: text_with("analytics-paid-of", &[("paid", now.paid.into()), ("orders", now.orders.into())]),
        },
    ];
    let (payments, amounts) = &now.taken_back;
    if *payments > 0 {
        headlines.push(Headline {
            label: text("analytics-taken-back"),
            value: amounts.values().map(|amount| page.money(amount)).collect::<Vec<_>>().join(" · "),
            below: text_with("analytics-taken-back-of", &[("payments", (*payments).into())]),
        });
    }
    headlines
}

/// `+12 % · before: 48`; without the change where there is nothing to compare with, or several currencies.
fn changed(now: Option<Decimal>, before: Option<Decimal>, shown_before: String) -> String {
    let change = now.zip(before).and_then(|(now, before)| {
        let change = now.checked_sub(before)?.checked_div(before)?.checked_mul(Decimal::ONE_HUNDRED)?;
        let sign = if change.is_sign_negative() { "−" } else { "+" };
        Some(format!("{sign}{}", percent(change.abs())))
    });
    let before = text_with("analytics-before", &[("value", shown_before.into())]);
    change.map_or(before.clone(), |change| format!("{change} · {before}"))
}

pub(super) fn percent(share: Decimal) -> String {
    format!("{} %", share.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_where_there_is_something_to_compare_with() {
        let decimal = |number: i64| Some(Decimal::from(number));
        assert_eq!(changed(decimal(54), decimal(48), "48".to_owned()), "+13 % · before: 48");
        assert_eq!(changed(decimal(24), decimal(48), "48".to_owned()), "−50 % · before: 48");
        assert_eq!(changed(decimal(3), decimal(0), "0".to_owned()), "before: 0");
        assert_eq!(changed(decimal(3), None, "¥5 · $3.00".to_owned()), "before: ¥5 · $3.00");
    }
}
