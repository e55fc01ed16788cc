//! The walk of one order, from HTTP to the mailbox: what the README promises, as a program.

mod apart_kafka;
mod client;
mod embedded;

use serde_json::{Value, json};
use std::time::Duration;

/// Longer than any step takes, also on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

/// Ada's order of the README.
fn ada_buys(email: &str, items: &[(&str, u32)]) -> Value {
    let items: Vec<Value> = items.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity })).collect();
    json!({
        "customer": { "first_name": "Ada", "last_name": "Lovelace", "email": email },
        "shipping_address":
            { "address": "12 St James's Square", "postal_code": "SW1Y 4JH", "city": "London", "country": "GB" },
        "items": items,
    })
}

fn usd(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "USD" })
}
