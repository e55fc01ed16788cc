//! `POST /v1/orders`: places an order.

use super::super::incoming::{Ask, Incoming};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::PlaceOrders;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields};
use crate::problem::{Problem, within};
use axum::extract::{Request, State};
use axum::response::Response;
use domain::ids::SubjectId;
use domain::order::{Command, Customer, MAX_LINES, Order, Place, RequestedItem, ShippingAddress};
use domain::text::{City, Country, Email, PersonName, PostalCode, StreetAddress};
use domain::{Money, Sku};
use projections::order_list::Whose;
use std::sync::Arc;
use uuid::Uuid;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<PlaceOrders>,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let whose = allowed.key.whose;
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let checkout = body::read(&incoming.body, Checkout::read)?;
    let number = within(app.gateway.next_order_number()).await?;
    let Checkout { mut customer, items, expected_total } = checkout;
    // A member's orders are found by their subject; a guest's has one of its own.
    if let Whose::Of(member) = whose {
        customer.subject_id = member;
    }
    let command = Command::Place(Place { number, customer: Arc::new(customer), items, expected_total });
    let id = Uuid::now_v7().to_string();
    incoming.submit::<Order>(&app, Ask { id, command, creates: true, fresh_id: true, items_at: Some("/items") }).await
}

/// What a client sends; the number is ours to give.
#[derive(Debug)]
pub struct Checkout {
    /// Who buys, as a guest: a subject of its own.
    pub customer: Customer,
    /// What, and how many.
    pub items: Vec<RequestedItem>,
    /// What all of it may cost, to the cent.
    pub expected_total: Option<Money>,
}

impl Checkout {
    /// Reads the body of `POST /v1/orders`.
    pub fn read(body: &mut Fields<'_, '_>) -> Option<Self> {
        let person = body.object("customer", Person::read);
        let shipping_address = body.optional_object("shipping_address", address);
        let items = body.list("items", 1..=MAX_LINES, item);
        let expected_total = body.optional_money("expected_total");
        Some(Self {
            customer: person?.into_customer(shipping_address?),
            items: items?,
            expected_total: expected_total?,
        })
    }
}

struct Person {
    first_name: PersonName,
    last_name: PersonName,
    email: Email,
}

impl Person {
    fn read(customer: &mut Fields<'_, '_>) -> Option<Self> {
        let first_name = customer.text("first_name", PersonName::parse);
        let last_name = customer.text("last_name", PersonName::parse);
        let email = customer.text("email", Email::parse);
        Some(Self { first_name: first_name?, last_name: last_name?, email: email? })
    }

    /// A guest: the personal data is a subject of its own.
    fn into_customer(self, shipping_address: Option<ShippingAddress>) -> Customer {
        let Self { first_name, last_name, email } = self;
        Customer { subject_id: SubjectId(Uuid::now_v7()), first_name, last_name, email, shipping_address }
    }
}

fn address(fields: &mut Fields<'_, '_>) -> Option<ShippingAddress> {
    let address = fields.text("address", StreetAddress::parse);
    let postal_code = fields.text("postal_code", PostalCode::parse);
    let city = fields.text("city", City::parse);
    let country = fields.optional_text("country", Country::parse);
    Some(ShippingAddress { address: address?, postal_code: postal_code?, city: city?, country: country? })
}

/// A product and how many; also the body of `POST /v1/orders/{id}/items`.
pub fn item(fields: &mut Fields<'_, '_>) -> Option<RequestedItem> {
    let sku = fields.text("sku", Sku::parse);
    let quantity = fields.quantity("quantity");
    fields.refuse(
        &["price", "unit_price", "cost", "currency"],
        "price_not_accepted",
        "prices come from the catalogue; send expected_total to order at a known total alone",
    );
    Some(RequestedItem { sku: sku?, quantity: quantity? })
}
