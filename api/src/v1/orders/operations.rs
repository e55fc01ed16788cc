//! The operations on orders, as the API's document tells them.

use super::super::as_of;
use super::super::paging::{PageResource, PastPageResource};
use super::super::products;
use super::correct_email;
use super::history::StepResource;
use super::messages::{self, MessageResource};
use super::place::{self, Checkout};
use super::record_payment;
use super::resource::OrderResource;
use super::search;
use crate::auth::permission::{CorrectOrders, PlaceOrders, ReadMessages, ReadOrders, RecordPayments, WriteMessages};
use crate::http::body::{Accepts, Shaped};
use crate::openapi::examples::{self, ORDER};
use crate::openapi::{Operation, Tag};
use crate::problem::Code;
use chrono::{DateTime, Utc};
use domain::ids::OrderNumber;
use domain::order::{Command, Order, Place};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// On the answer to a command.
const DONE: [&str; 3] = ["Orders-Position", "ETag", "Idempotent-Replayed"];
const PLACED: [&str; 4] = ["Location", "Orders-Position", "ETag", "Idempotent-Replayed"];
const READ: [&str; 2] = ["Orders-Position", "ETag"];
const LISTED: [&str; 2] = ["Orders-Position", "Preference-Applied"];

type Resource = OrderResource<'static, ()>;
type Orders = PastPageResource<Resource>;

pub(in crate::v1) fn operations() -> Vec<Operation> {
    [commands(), reads(), conversation()].concat()
}

fn commands() -> Vec<Operation> {
    let order = example();
    let on = |path, id, summary| Operation::new(Method::POST, path, Tag::Orders, id, summary);
    vec![
        on("/v1/orders", "placeOrder", "Place an order")
            .about(
                "Prices are the catalogue's; with `expected_total` the order is placed at that total alone. An address is \
                 needed where something in it has to be sent.",
            )
            .allowed::<PlaceOrders>()
            .command()
            .body(Accepts::JSON, "PlaceOrder", Checkout::read, checkout())
            .refuses(&[Code::ItemsRejected, Code::AddressRequired, Code::TotalChanged, Code::AmountTooLarge])
            .answers::<Resource>(StatusCode::CREATED, "It is placed.", &PLACED, order.clone()),
        on("/v1/orders/{id}/items", "addItem", "Add a line to an order")
            .about("Until a payment is recorded.")
            .allowed::<PlaceOrders>()
            .at("id", id(), ORDER)
            .command()
            .of_version()
            .body(Accepts::JSON, "OrderedItem", place::item, json!({ "sku": "CUP", "quantity": 1 }))
            .refuses(&[
                Code::OrderNotFound,
                Code::ItemsRejected,
                Code::PaymentRecorded,
                Code::AlreadyPaid,
                Code::AddressRequired,
                Code::AmountTooLarge,
            ])
            .answers::<Resource>(StatusCode::OK, "It is added.", &DONE, order.clone()),
        on("/v1/orders/{id}/payments", "recordPayment", "Write down a payment made elsewhere")
            .about("The order is paid once its payments cover the total.")
            .allowed::<RecordPayments>()
            .at("id", id(), ORDER)
            .command()
            .key_required()
            .of_version()
            .body(Accepts::JSON, "RecordPayment", record_payment::payment, payment())
            .refuses(&[
                Code::OrderNotFound,
                Code::AlreadyPaid,
                Code::PaymentRejected,
                Code::AboveBalance,
                Code::ReferenceReused,
                Code::AmountTooLarge,
            ])
            .answers::<Resource>(StatusCode::OK, "It is written down.", &DONE, order.clone()),
        correction(order),
    ]
}

fn correction(order: Value) -> Operation {
    let email = json!({ "customer": { "email": "ada@example.org" } });
    Operation::new(Method::PATCH, "/v1/orders/{id}", Tag::Orders, "correctOrder", "Correct a mistyped address of mail")
        .about("The order is confirmed to the new one. A merge patch (RFC 7396).")
        .allowed::<CorrectOrders>()
        .at("id", id(), ORDER)
        .command()
        .of_version_required()
        .body(Accepts::MERGE_PATCH, "CorrectOrder", correct_email::correction, email)
        .refuses(&[Code::OrderNotFound])
        .answers::<Resource>(StatusCode::OK, "It is corrected.", &DONE, order)
}

fn reads() -> Vec<Operation> {
    let (order, page) = (example(), examples::page(&[example()]));
    let time = DateTime::<Utc>::shape;
    vec![
        Operation::new(Method::GET, "/v1/orders", Tag::Orders, "listOrders", "List orders, newest first")
            .allowed::<ReadOrders>()
            .query("paid", json!({ "type": "boolean" }), "Only those that are paid, or are not.")
            .query("status", json!({ "type": "string", "enum": ["placed"] }), "Only those with this status.")
            .query("placed_from", time(), "Only those placed then or later.")
            .query("placed_to", time(), "Only those placed before.")
            .query("updated_from", time(), "Only those last changed then or later.")
            .query("updated_to", time(), "Only those last changed before.")
            .query("as_of", as_of::shape(), as_of::ABOUT)
            .refuses(&as_of::REFUSES)
            .refuses(&[Code::TooMuchHistory])
            .in_pages()
            .waits()
            .answers::<Orders>(StatusCode::OK, "A page of them.", &LISTED, page.clone()),
        Operation::new(Method::POST, "/v1/orders/search", Tag::Orders, "searchOrders", "Find orders")
            .about(
                "By an e-mail address or a number: exactly one of the two. A POST, so that no personal data stands in a URL.",
            )
            .allowed::<ReadOrders>()
            .in_pages()
            .waits()
            .body(Accepts::JSON, "SearchOrders", search::search, json!({ "email": "ada@example.com" }))
            .answers::<Orders>(StatusCode::OK, "A page of them, newest first.", &LISTED, page),
        Operation::new(Method::GET, "/v1/orders/{id}", Tag::Orders, "getOrder", "Read an order")
            .about("As new as its last command, also where the list is still behind.")
            .allowed::<ReadOrders>()
            .at("id", id(), ORDER)
            .query("as_of", as_of::shape(), as_of::ABOUT)
            .refuses(&as_of::REFUSES)
            .versioned()
            .refuses(&[Code::OrderNotFound])
            .answers::<Resource>(StatusCode::OK, "The order.", &READ, order)
            .answers_nothing(StatusCode::NOT_MODIFIED, "It is the version that the client has.", &READ),
        history(),
    ]
}

fn history() -> Operation {
    let step = json!({
        "position": 1204, "sequence": 3, "type": "OrderPaid",
        "recorded_at": "2026-01-31T09:30:00.001204Z", "occurred_at": "2026-01-31T09:30:00.000000Z",
        "actor": "sandbox", "words": "The order was paid in full.",
        "changes": [{ "field": "paid", "from": false, "to": true }],
    });
    let path = "/v1/orders/{id}/history";
    Operation::new(Method::GET, path, Tag::Orders, "getOrderHistory", "What happened to an order, the newest first")
        .about("Each event in words, with what it changed. `as_of` with its position is the order as it was behind it.")
        .allowed::<ReadOrders>()
        .at("id", id(), ORDER)
        .in_pages()
        .refuses(&[Code::OrderNotFound, Code::NewerEvent])
        .answers::<PageResource<StepResource<'_>>>(StatusCode::OK, "A page of it.", &[], examples::page(&[step]))
}

fn conversation() -> Vec<Operation> {
    const PATH: &str = "/v1/orders/{id}/messages";
    let message = messages::example();
    vec![
        Operation::new(Method::GET, PATH, Tag::Orders, "listMessages", "What was written about an order")
            .allowed::<ReadMessages>()
            .at("id", id(), ORDER)
            .refuses(&[Code::OrderNotFound, Code::NewerEvent])
            .answers::<messages::List<'_>>(StatusCode::OK, "All of it, in order.", &[], json!({ "data": [message] })),
        Operation::new(Method::POST, PATH, Tag::Orders, "writeMessage", "Write to the other side about an order")
            .about("To the customer; with a key that is bound to a member, from the customer to the shop.")
            .allowed::<WriteMessages>()
            .at("id", id(), ORDER)
            .command()
            .body(Accepts::JSON, "WriteMessage", messages::message, json!({ "text": "It is on its way." }))
            .refuses(&[Code::OrderNotFound, Code::TooMany])
            .answers::<MessageResource<'_>>(StatusCode::CREATED, "It is written.", &[], message),
    ]
}

fn id() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn checkout() -> Value {
    json!({
        "customer": { "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com" },
        "shipping_address": {
            "address": "12 St James's Square", "postal_code": "SW1Y 4JH", "city": "London", "country": "GB"
        },
        "items": [{ "sku": "TEA-GREEN", "quantity": 2 }],
        "expected_total": { "amount": "24.00", "currency": "USD" },
    })
}

fn payment() -> Value {
    json!({ "amount": { "amount": "24.00", "currency": "USD" }, "reference": "bank-2026-0131" })
}

/// The order that the example of a checkout leads to.
fn example() -> Value {
    let prices = examples::prices(products::example().as_slice());
    let commands: Vec<Command> = examples::read(&checkout(), Checkout::read)
        .map(|Checkout { customer, items, expected_total }| {
            let number = OrderNumber(1001);
            Command::Place(Place { number, customer: Arc::new(customer), items, expected_total })
        })
        .into_iter()
        .collect();
    examples::resource::<Order>(ORDER, &commands, &prices)
}
