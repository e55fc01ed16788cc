//! The bodies of all commands, by the functions that the handlers read them with.
#![no_main]

use api::http::body::{self, Fields};
use api::problem::Problem;
use api::v1::requests::{Checkout, changes, item, payment, product, search};
use domain::Money;
use domain::order::{Command, RequestedItem};
use domain::product;
use libfuzzer_sys::fuzz_target;
use projections::order_list::Search;
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    let Some((command, body)) = fuzz::choice(data, 6) else { return };
    match command {
        0 => check(body, Checkout::read, checkout),
        1 => check(body, item, |item| requested(item)),
        2 => check(body, payment, payment_json),
        3 => check(body, search, search_json),
        4 => check(body, product, |(_, command)| product_json(command)),
        _ => check(body, changes, changes_json),
    }
});

/// What is read is written out and read again as the same; what is refused names its faults.
fn check<T>(body: &[u8], read: fn(&mut Fields<'_, '_>) -> Option<T>, write: impl Fn(&T) -> Value) {
    match body::read(body, read) {
        Ok(value) => {
            let written = write(&value);
            let again = body::read(written.to_string().as_bytes(), read);
            let again = again.unwrap_or_else(|problem: Problem| panic!("{written} is refused: {problem:?}"));
            assert_eq!(write(&again), written);
        }
        Err(problem) => fuzz::check_refused_body(&problem, body),
    }
}

fn checkout(Checkout { customer, items, expected_total }: &Checkout) -> Value {
    let address = &customer.shipping_address;
    json!({
        "customer": {
            "first_name": customer.first_name.as_str(),
            "last_name": customer.last_name.as_str(),
            "email": customer.email.as_str(),
        },
        "shipping_address": {
            "address": address.address.as_str(),
            "postal_code": address.postal_code.as_str(),
            "city": address.city.as_str(),
            "country": address.country.as_ref().map(|country| country.as_str()),
        },
        "items": items.iter().map(requested).collect::<Vec<_>>(),
        "expected_total": expected_total.map(|total| money(&total)),
    })
}

fn requested(RequestedItem { sku, quantity }: &RequestedItem) -> Value {
    json!({ "sku": sku.as_str(), "quantity": quantity.get() })
}

fn money(money: &Money) -> Value {
    serde_json::to_value(money).expect("money is JSON")
}

fn payment_json(command: &Command) -> Value {
    let Command::RecordPayment { amount, reference } = command else { panic!("{command:?} is no payment") };
    json!({ "amount": money(amount), "reference": reference.as_str() })
}

fn search_json(search: &Search) -> Value {
    match search {
        Search::Email(email) => json!({ "email": email.as_str() }),
        Search::Number(number) => json!({ "number": number.0 }),
    }
}

fn product_json(command: &product::Command) -> Value {
    let product::Command::Add { sku, name, description, price } = command else { panic!("{command:?} adds nothing") };
    let description = description.as_ref().map(|text| text.as_str());
    json!({ "sku": sku.as_str(), "name": name.as_str(), "description": description, "price": money(price) })
}

fn changes_json(product::Changes { name, description, price }: &product::Changes) -> Value {
    let mut patch = json!({});
    if let Some(name) = name {
        patch["name"] = json!(name.as_str());
    }
    if let Some(description) = description {
        patch["description"] = json!(description.as_ref().map(|text| text.as_str()));
    }
    if let Some(price) = price {
        patch["price"] = money(price);
    }
    patch
}
