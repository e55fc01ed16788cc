//! The bodies of all commands, by the functions that the handlers read them with.
#![no_main]

use api::http::body::{self, Fields};
use api::problem::Problem;
use api::v1::requests::{Checkout, category, category_changes, changes, item, payment, product, search};
use domain::Money;
use domain::category;
use domain::order::{Command, RequestedItem};
use domain::product::{self, Presentation, Words};
use libfuzzer_sys::fuzz_target;
use projections::order_list::Search;
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    let Some((command, body)) = fuzz::choice(data, 8) else { return };
    match command {
        0 => check(body, Checkout::read, checkout),
        1 => check(body, item, |item| requested(item)),
        2 => check(body, payment, payment_json),
        3 => check(body, search, search_json),
        4 => check(body, product, |(_, command)| product_json(command)),
        5 => check(body, changes, changes_json),
        6 => check(body, category, |(_, command)| category_json(command)),
        _ => check(body, category_changes, category_changes_json),
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
    let address = customer.shipping_address.as_ref();
    json!({
        "customer": {
            "first_name": customer.first_name.as_str(),
            "last_name": customer.last_name.as_str(),
            "email": customer.email.as_str(),
        },
        "shipping_address": address.map(|address| json!({
            "address": address.address.as_str(),
            "postal_code": address.postal_code.as_str(),
            "city": address.city.as_str(),
            "country": address.country.as_ref().map(|country| country.as_str()),
        })),
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
    let product::Command::Add { sku, name, description, price, presentation } = command else {
        panic!("{command:?} adds nothing")
    };
    let description = description.as_ref().map(|text| text.as_str());
    let mut body = presentation_json(presentation);
    body["sku"] = json!(sku.as_str());
    body["name"] = json!(name.as_str());
    body["description"] = json!(description);
    body["price"] = money(price);
    body
}

fn presentation_json(presentation: &Presentation) -> Value {
    let Presentation { categories, featured, requires_shipping, picture, translations } = presentation;
    let mut body = json!({});
    if let Some(categories) = categories {
        body["categories"] = json!(categories);
    }
    if let Some(featured) = featured {
        body["featured"] = json!(featured);
    }
    if let Some(requires_shipping) = requires_shipping {
        body["requires_shipping"] = json!(requires_shipping);
    }
    if let Some(picture) = picture {
        body["picture"] = json!(picture);
    }
    let words = |words: &Words| json!({ "name": words.name.as_str(), "description": words.description.as_ref().map(|text| text.as_str()) });
    let entries =
        translations.iter().map(|(language, to)| (language.to_string(), to.as_ref().map_or(Value::Null, words)));
    body["translations"] = Value::Object(entries.collect());
    body
}

fn changes_json(product::Changes { name, description, price, presentation }: &product::Changes) -> Value {
    let mut patch = presentation_json(presentation);
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

fn category_json(command: &category::Command) -> Value {
    let category::Command::Add { slug, name, translations } = command else { panic!("{command:?} adds nothing") };
    let names = translations.iter().map(|(language, name)| (language.to_string(), json!(name.as_str())));
    json!({ "slug": slug.as_str(), "name": name.as_str(), "translations": Value::Object(names.collect()) })
}

fn category_changes_json(category::Changes { name, translations }: &category::Changes) -> Value {
    let names = translations
        .iter()
        .map(|(language, name)| (language.to_string(), json!(name.as_ref().map(|name| name.as_str()))));
    let mut patch = json!({ "translations": Value::Object(names.collect()) });
    if let Some(name) = name {
        patch["name"] = json!(name.as_str());
    }
    patch
}
