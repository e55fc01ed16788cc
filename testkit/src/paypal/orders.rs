//! What the fake knows of orders, and what it answers about them: the shapes are those of PayPal's OpenAPI description.

use super::Fate;
use rand::Rng;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The currencies without decimals.
const WHOLE: [&str; 3] = ["HUF", "JPY", "TWD"];

/// All orders.
#[derive(Debug, Default)]
pub(super) struct Book {
    orders: Vec<Order>,
    /// The order that was made under each `PayPal-Request-Id`.
    created: HashMap<String, String>,
}

#[derive(Debug)]
struct Order {
    id: String,
    unit: Value,
    return_url: String,
    cancel_url: String,
    approved: bool,
    fate: Fate,
    capture: Option<Capture>,
}

#[derive(Debug)]
struct Capture {
    id: String,
    request_id: String,
}

/// A status and a body.
pub(super) type Answer = (u16, Value);

impl Book {
    pub(super) fn ids(&self) -> Vec<String> {
        self.orders.iter().map(|order| order.id.clone()).collect()
    }

    pub(super) fn captures(&self) -> usize {
        self.orders.iter().filter(|order| order.capture.is_some() && order.fate != Fate::Declined).count()
    }

    fn order(&self, id: &str) -> &Order {
        self.orders.iter().find(|order| order.id == id).unwrap_or_else(|| panic!("there is no payment {id}"))
    }

    fn order_mut(&mut self, id: &str) -> &mut Order {
        self.orders.iter_mut().find(|order| order.id == id).unwrap_or_else(|| panic!("there is no payment {id}"))
    }

    pub(super) fn decide(&mut self, id: &str, fate: Fate) {
        self.order_mut(id).fate = fate;
    }

    /// Where the browser is sent back to, and the order as the notice has it.
    pub(super) fn approve(&mut self, id: &str) -> (String, Value) {
        let order = self.order_mut(id);
        order.approved = true;
        (format!("{}&token={id}&PayerID=QYR5Z8XDVJNXQ", order.return_url), order.shown(""))
    }

    /// Where a browser is sent that does not agree.
    pub(super) fn cancel_url(&self, id: &str) -> String {
        format!("{}&token={id}", self.order(id).cancel_url)
    }

    /// `POST /v2/checkout/orders`
    pub(super) fn create(&mut self, request_id: &str, body: &Value, base: &str) -> Answer {
        if let Some(id) = self.created.get(request_id).filter(|_| !request_id.is_empty()) {
            return (200, self.order(id).shown(base));
        }
        let unit = &body["purchase_units"][0];
        let context = &body["payment_source"]["paypal"]["experience_context"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if body["intent"] != "CAPTURE" || !unit["amount"].is_object() {
            return refusal(400, "INVALID_REQUEST", "INVALID_PARAMETER_VALUE");
        }
        let (code, value) = (text(&unit["amount"]["currency_code"]), text(&unit["amount"]["value"]));
        let decimals = value.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        if decimals > if WHOLE.contains(&code.as_str()) { 0 } else { 2 } {
            return refusal(422, "UNPROCESSABLE_ENTITY", "DECIMAL_PRECISION");
        }
        let order = Order {
            id: id(),
            unit: unit.clone(),
            return_url: text(&context["return_url"]),
            cancel_url: text(&context["cancel_url"]),
            approved: false,
            fate: Fate::default(),
            capture: None,
        };
        let answer = (201, order.shown(base));
        self.created.insert(request_id.to_owned(), order.id.clone());
        self.orders.push(order);
        answer
    }

    /// `GET /v2/checkout/orders/{id}`
    pub(super) fn show(&self, id: &str, base: &str) -> Answer {
        match self.orders.iter().find(|order| order.id == id) {
            Some(order) => (200, order.shown(base)),
            None => refusal(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"),
        }
    }

    /// `POST /v2/checkout/orders/{id}/capture`; and what the notice of it tells, if there is one.
    pub(super) fn capture(
        &mut self,
        id: &str,
        request_id: &str,
        whole: bool,
        base: &str,
    ) -> (Answer, Option<(&'static str, Value)>) {
        let Some(at) = self.orders.iter().position(|order| order.id == id) else {
            return (refusal(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"), None);
        };
        let invoice = &self.orders[at].unit["invoice_id"];
        let is_taken = |(nth, other): (usize, &Order)| {
            nth != at && other.capture.is_some() && !invoice.is_null() && other.unit["invoice_id"] == *invoice
        };
        let is_duplicate = self.orders.iter().enumerate().any(is_taken);
        let order = &mut self.orders[at];
        let short = |order: &Order| json!({ "id": order.id, "status": "COMPLETED" });
        if let Some(capture) = &order.capture {
            return if capture.request_id == request_id && !request_id.is_empty() {
                ((200, if whole { order.shown(base) } else { short(order) }), None)
            } else {
                (refusal(422, "UNPROCESSABLE_ENTITY", "ORDER_ALREADY_CAPTURED"), None)
            };
        }
        if !order.approved {
            return (refusal(422, "UNPROCESSABLE_ENTITY", "ORDER_NOT_APPROVED"), None);
        }
        if is_duplicate {
            return (refusal(422, "UNPROCESSABLE_ENTITY", "DUPLICATE_INVOICE_ID"), None);
        }
        if order.fate == Fate::Declined {
            return (refusal(422, "UNPROCESSABLE_ENTITY", "INSTRUMENT_DECLINED"), None);
        }
        order.capture = Some(Capture { id: self::id(), request_id: request_id.to_owned() });
        let told = order.captured().map(|resource| (order.event(), resource));
        ((201, if whole { order.shown(base) } else { short(order) }), told)
    }

    /// `GET /v2/payments/captures/{id}`
    pub(super) fn show_capture(&self, id: &str) -> Answer {
        let of_this = |order: &&Order| order.capture.as_ref().is_some_and(|capture| capture.id == id);
        match self.orders.iter().find(of_this).and_then(Order::captured) {
            Some(shown) => (200, shown),
            None => refusal(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"),
        }
    }

    /// What a notice tells of money that goes back: it names the capture by a link alone.
    pub(super) fn refund(&self, payment: &str, value: &str, base: &str) -> Value {
        let order = self.order(payment);
        let capture = order.capture.as_ref().unwrap_or_else(|| panic!("nothing of {payment} was captured"));
        let refund = id();
        json!({
            "id": refund,
            "status": "COMPLETED",
            "amount": { "currency_code": order.unit["amount"]["currency_code"], "value": value },
            "seller_payable_breakdown": { "total_refunded_amount": { "currency_code": "USD", "value": value } },
            "create_time": "2026-02-01T12:00:00Z",
            "update_time": "2026-02-01T12:00:00Z",
            "links": [
                { "href": format!("{base}/v2/payments/refunds/{refund}"), "rel": "self", "method": "GET" },
                { "href": format!("{base}/v2/payments/captures/{}", capture.id), "rel": "up", "method": "GET" },
            ],
        })
    }

    /// What a notice tells of a payment's capture, if there is one.
    pub(super) fn captured(&self, id: &str) -> Option<(&'static str, Value)> {
        let order = self.order(id);
        order.captured().map(|resource| (order.event(), resource))
    }
}

impl Order {
    fn status(&self) -> &'static str {
        match (&self.capture, self.approved) {
            (Some(_), _) => "COMPLETED",
            (None, true) => "APPROVED",
            (None, false) => "PAYER_ACTION_REQUIRED",
        }
    }

    fn event(&self) -> &'static str {
        match self.fate {
            Fate::Completed => "PAYMENT.CAPTURE.COMPLETED",
            Fate::Pending => "PAYMENT.CAPTURE.PENDING",
            Fate::Declined => "PAYMENT.CAPTURE.DENIED",
        }
    }

    fn capture_shown(&self) -> Option<Value> {
        let capture = self.capture.as_ref()?;
        let mut shown = json!({
            "id": capture.id,
            "status": match self.fate {
                Fate::Completed => "COMPLETED",
                Fate::Pending => "PENDING",
                Fate::Declined => "DECLINED",
            },
            "amount": self.unit["amount"],
            "custom_id": self.unit["custom_id"],
            "invoice_id": self.unit["invoice_id"],
            "final_capture": true,
            "seller_protection": { "status": "ELIGIBLE", "dispute_categories": ["ITEM_NOT_RECEIVED"] },
            "create_time": "2026-01-31T12:00:00Z",
            "update_time": "2026-01-31T12:00:00Z",
        });
        if self.fate == Fate::Pending {
            shown["status_details"] = json!({ "reason": "PENDING_REVIEW" });
        }
        Some(shown)
    }

    /// A capture as a notice has it.
    fn captured(&self) -> Option<Value> {
        let mut shown = self.capture_shown()?;
        shown["supplementary_data"] = json!({ "related_ids": { "order_id": self.id } });
        Some(shown)
    }

    fn shown(&self, base: &str) -> Value {
        let mut unit = self.unit.clone();
        if let Some(capture) = self.capture_shown() {
            unit["payments"] = json!({ "captures": [capture] });
        }
        let id = &self.id;
        json!({
            "id": id,
            "intent": "CAPTURE",
            "status": self.status(),
            "payment_source": { "paypal": { "email_address": "ada@example.com", "account_id": "QYR5Z8XDVJNXQ" } },
            "purchase_units": [unit],
            "create_time": "2026-01-31T12:00:00Z",
            "links": [
                { "href": format!("{base}/v2/checkout/orders/{id}"), "rel": "self", "method": "GET" },
                { "href": format!("{base}/checkoutnow?token={id}"), "rel": "payer-action", "method": "GET" },
            ],
        })
    }
}

pub(super) fn refusal(status: u16, name: &str, issue: &str) -> Answer {
    let body = json!({
        "name": name,
        "message": "The requested action could not be performed.",
        "debug_id": "90957fca61718",
        "details": [{ "issue": issue, "description": "It could not be done." }],
    });
    (status, body)
}

/// Seventeen capital letters and digits.
pub(super) fn id() -> String {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPRSTUVWXY";
    let mut random = rand::rng();
    (0..17).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}
