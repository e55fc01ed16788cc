//! What would have been, for people and for programs.

use super::table;
use commands::verify::Found;
use domain::Money;
use projections::what_if::{DayShift, OrderShift, ProductShift, Report, Served, Shift, Sums};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A run, and what it came to.
pub(super) struct Told<'a> {
    pub(super) name: &'a str,
    /// What was changed, in words.
    pub(super) about: String,
    pub(super) kept: bool,
    pub(super) report: Report,
}

impl Told<'_> {
    /// Tables. The greatest differences are seen first where they are ordered by that.
    pub(super) fn text(&self) -> String {
        let Report { position, served, unsold, sums, days, products, orders } = &self.report;
        let mut text = format!("{}: {}, up to position {position}\n", self.name, self.about);
        text.extend(served.iter().map(served_line));
        if !unsold.is_empty() {
            text += &format!("Nobody ever ordered {}.\n", unsold.join(", "));
        }
        // Of other code that is what one hopes for, and told by each table.
        if served.is_empty() && sums.iter().all(|sums| sums.changed_orders == 0) {
            text += "Nothing that was ordered has another price by that.\n";
        }
        text.push('\n');
        text += &table(
            ["", "CURRENCY", "ORDERS", "WAS", "WOULD BE", "DIFFERENCE"],
            &sums.iter().flat_map(sums_rows).collect::<Vec<_>>(),
        );
        let heads = ["PLACED", "WAS", "WOULD BE", "DIFFERENCE", "OF PAID"];
        let day = |shift: &DayShift| shift_row(shift.day.to_string(), shift.placed, shift.paid);
        text += &section("By day", days, heads, day);
        let product =
            |shift: &ProductShift| shift_row(format!("{} × {}", shift.quantity, shift.sku), shift.placed, shift.paid);
        text += &section("By product", products, heads, product);
        let order = |shift: &OrderShift| shift_row(format!("#{} {}", shift.number, shift.id), shift.total, shift.paid);
        text += &section("By order, the greatest difference first", orders, heads, order);
        if self.kept {
            let name = self.name;
            text += &format!(
                "\nKept in the schemas _what_if_{name}_was and _what_if_{name}_if until `orders what-if {name} --drop`.\n"
            );
        }
        text
    }

    /// One document.
    pub(super) fn json(&self) -> Result<String, serde_json::Error> {
        let Report { position, served, unsold, sums, days, products, orders } = &self.report;
        let served: Vec<Value> = served
            .iter()
            .map(|Served { name, build, version, own_version, position }| {
                json!({
                    "name": name, "build": build, "version": version, "own_version": own_version, "position": position,
                })
            })
            .collect();
        let sums: Vec<Value> = sums
            .iter()
            .map(|sums| {
                let (orders, changed) = (sums.orders, sums.changed_orders);
                json!({
                    "orders": orders, "changed_orders": changed,
                    "placed": shift(sums.placed), "paid": shift(sums.paid),
                })
            })
            .collect();
        let document = json!({
            "name": self.name, "about": self.about, "position": position, "kept": self.kept,
            "served": served, "unsold": unsold, "sums": sums,
            "days": listed(days, |row| json!({
                "day": row.day, "placed": shift(row.placed), "paid": shift(row.paid),
            })),
            "products": listed(products, |row| json!({
                "sku": row.sku, "quantity": row.quantity, "placed": shift(row.placed), "paid": shift(row.paid),
            })),
            "orders": listed(orders, |row| json!({
                "id": row.id, "number": row.number, "total": shift(row.total), "paid": shift(row.paid),
            })),
        });
        Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
    }
}

fn served_line(served: &Served) -> String {
    let Served { name, build, version, own_version, position } = served;
    format!(
        "  {name}: version {own_version} of this program instead of {build} (version {version}), at position {position}\n"
    )
}

fn sums_rows(sums: &Sums) -> [[String; 6]; 2] {
    let row = |what: &str, orders: String, shift: Shift| {
        let currency = shift.was.currency().code().to_owned();
        [what.to_owned(), currency, orders, amount(shift.was), amount(shift.becomes), signed(shift.difference())]
    };
    let orders = format!("{} of {} differ", sums.changed_orders, sums.orders);
    [row("placed", orders, sums.placed), row("paid", String::new(), sums.paid)]
}

fn section<T>(title: &str, found: &Found<T>, heads: [&str; 5], row: impl Fn(&T) -> [String; 5]) -> String {
    if found.count() == 0 {
        return format!("\n{title}: no difference\n");
    }
    let rows: Vec<[String; 5]> = found.listed().iter().map(row).collect();
    let more = found.count() - found.listed().len() as u64;
    let more = if more == 0 { String::new() } else { format!("… and {more} more\n") };
    format!("\n{title}\n{}{more}", table(heads, &rows))
}

fn shift_row(of: String, shift: Shift, paid: Shift) -> [String; 5] {
    let (difference, of_paid) = (signed(shift.difference()), signed(paid.difference()));
    [of, shift.was.to_string(), shift.becomes.to_string(), difference, of_paid]
}

fn amount(money: Money) -> String {
    money.amount().to_string()
}

fn signed(difference: Decimal) -> String {
    if difference > Decimal::ZERO { format!("+{difference}") } else { difference.to_string() }
}

fn shift(shift: Shift) -> Value {
    let difference = json!({ "amount": shift.difference().to_string(), "currency": shift.was.currency().code() });
    json!({ "was": shift.was, "becomes": shift.becomes, "difference": difference })
}

fn listed<T>(found: &Found<T>, row: impl Fn(&T) -> Value) -> Value {
    json!({ "count": found.count(), "listed": found.listed().iter().map(row).collect::<Vec<_>>() })
}
