//! Figures as rows of texts: for files, and for whoever draws them. Amounts are exact, with their currency beside them.

use super::{Conversion, Step, average};
use crate::csv::{self, Reader};
use projections::order_totals::{Amounts, Units};
use projections::sales::{CitySales, DaySales, PaymentTime, ProductSales};
use rust_decimal::RoundingStrategy;

/// A table with a line of heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sheet {
    heads: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Sheet {
    /// As a file for spreadsheets.
    pub(crate) fn csv(&self, reader: Reader) -> String {
        let mut text = String::new();
        csv::line(&mut text, reader, self.heads.iter().copied());
        for row in &self.rows {
            csv::line(&mut text, reader, row.iter().map(String::as_str));
        }
        text
    }

    pub(super) fn of_days(days: &[DaySales]) -> Self {
        const HEADS: &[&str] = &[
            "day",
            "currency",
            "placed_orders",
            "placed_revenue",
            "paid_orders",
            "paid_revenue",
            "average_basket",
            "taken_back_payments",
            "taken_back_amount",
        ];
        let row = |row: &DaySales| {
            let basket = average(row.placed.revenue, row.placed.orders);
            let [placed_orders, placed_revenue] = of_amounts(row.placed);
            let [paid_orders, paid_revenue] = of_amounts(row.paid);
            vec![
                row.day.to_string(),
                row.placed.revenue.currency().code().to_owned(),
                placed_orders,
                placed_revenue,
                paid_orders,
                paid_revenue,
                basket.map_or_else(String::new, |basket| basket.amount().to_string()),
                row.taken_back.payments.to_string(),
                row.taken_back.amount.amount().to_string(),
            ]
        };
        Self { heads: HEADS, rows: days.iter().map(row).collect() }
    }

    pub(super) fn of_products(products: &[ProductSales]) -> Self {
        const HEADS: &[&str] =
            &["sku", "name", "currency", "placed_quantity", "placed_revenue", "paid_quantity", "paid_revenue"];
        let row = |row: &ProductSales| {
            let currency = row.placed.revenue.currency().code().to_owned();
            let [placed, placed_revenue] = of_units(row.placed);
            let [paid, paid_revenue] = of_units(row.paid);
            vec![row.sku.clone(), row.name.clone(), currency, placed, placed_revenue, paid, paid_revenue]
        };
        Self { heads: HEADS, rows: products.iter().map(row).collect() }
    }

    pub(super) fn of_cities(cities: &[CitySales]) -> Self {
        const HEADS: &[&str] = &["city", "currency", "placed_orders", "placed_revenue", "paid_orders", "paid_revenue"];
        let row = |row: &CitySales| {
            let currency = row.placed.revenue.currency().code().to_owned();
            let [placed, placed_revenue] = of_amounts(row.placed);
            let [paid, paid_revenue] = of_amounts(row.paid);
            vec![row.city.clone(), currency, placed, placed_revenue, paid, paid_revenue]
        };
        Self { heads: HEADS, rows: cities.iter().map(row).collect() }
    }

    pub(super) fn of_payment_times(times: &[PaymentTime]) -> Self {
        const HEADS: &[&str] = &["within_s", "orders", "waited_ms"];
        let row = |time: &PaymentTime| {
            let within = time.span.within_s().map_or_else(String::new, |seconds| seconds.to_string());
            vec![within, time.orders.to_string(), time.waited_ms.to_string()]
        };
        Self { heads: HEADS, rows: times.iter().map(row).collect() }
    }

    pub(super) fn of_conversion(conversion: Conversion) -> Self {
        let row = |step: Step| {
            let percent =
                step.percent.map(|percent| percent.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero));
            let cell = |value: Option<String>| value.unwrap_or_default();
            vec![
                step.name.to_owned(),
                cell(step.count.map(|count| count.to_string())),
                cell(percent.map(|percent| percent.to_string())),
            ]
        };
        let rows = conversion.steps().into_iter().map(row).collect();
        Self { heads: &["step", "count", "percent_of_step_before"], rows }
    }
}

fn of_amounts(amounts: Amounts) -> [String; 2] {
    [amounts.orders.to_string(), amounts.revenue.amount().to_string()]
}

fn of_units(units: Units) -> [String; 2] {
    [units.quantity.to_string(), units.revenue.amount().to_string()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Money;
    use projections::sales::TakenBack;

    #[test]
    fn amounts_are_exact_and_names_are_text() {
        let usd = |amount| Money::parse(amount, "USD").unwrap();
        let amounts = |orders, amount| Amounts { orders, revenue: usd(amount) };
        let days = [DaySales {
            day: "2026-03-01".parse().unwrap(),
            placed: amounts(3, "1234567.10"),
            paid: amounts(0, "0"),
            taken_back: TakenBack { payments: 2, amount: usd("8.5") },
        }];
        let text = Sheet::of_days(&days).csv(Reader::Spreadsheet);
        let (_, line) = text.split_once("\r\n").unwrap();
        assert_eq!(line, "\"2026-03-01\",\"USD\",\"3\",\"1234567.10\",\"0\",\"0.00\",\"411522.37\",\"2\",\"8.50\"\r\n");
        let city = CitySales { city: "=Bath, GB".to_owned(), placed: amounts(1, "1"), paid: amounts(0, "0") };
        assert!(
            Sheet::of_cities(&[city])
                .csv(Reader::Spreadsheet)
                .ends_with("\r\n\"'=Bath, GB\",\"USD\",\"1\",\"1.00\",\"0\",\"0.00\"\r\n")
        );
    }

    #[test]
    fn a_step_that_can_not_be_counted_is_an_empty_cell() {
        let conversion = Conversion { carts: None, orders: 3, payments: Some(2), paid: 1 };
        let lines = "carts,,\r\norders,3,\r\npayments,2,66.7\r\npaid,1,50\r\n";
        let text = Sheet::of_conversion(conversion).csv(Reader::Spreadsheet).replace('"', "");
        assert_eq!(text, format!("step,count,percent_of_step_before\r\n{lines}"));
    }
}
