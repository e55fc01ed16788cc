//! What PayPal's notices tell (<https://developer.paypal.com/api/rest/webhooks/event-names/>). Those that lead to
//! nothing here are kept all the same.

use super::super::provider::{Capture, NoticeError, TakenBack, Told};
use super::amount::Amount;
use super::orders::{Link, PayPalCapture};
use domain::Money;
use domain::money::MoneyError;
use domain::order::Reversal;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The most characters of an event's id and type.
const MAX_NAME_CHARS: usize = 100;
/// What stands before a capture's id in its address.
const CAPTURES: &str = "/v2/payments/captures/";

/// What all events have.
#[derive(Debug, Deserialize)]
pub(super) struct Outline {
    /// PayPal's id of it.
    pub(super) id: String,
    /// What it tells of.
    pub(super) event_type: String,
}

#[derive(Deserialize)]
struct Event<'a> {
    event_type: String,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
}

/// Money that was taken, or refused, and where it belongs.
#[derive(Deserialize)]
struct CaptureResource {
    #[serde(flatten)]
    capture: PayPalCapture,
    custom_id: Option<String>,
    supplementary_data: Option<SupplementaryData>,
}

#[derive(Deserialize)]
struct SupplementaryData {
    related_ids: Option<RelatedIds>,
}

#[derive(Deserialize)]
struct RelatedIds {
    order_id: Option<String>,
}

/// Money that was given back, or taken back.
#[derive(Deserialize)]
struct RefundResource {
    id: String,
    amount: Amount,
    custom_id: Option<String>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct OrderResource {
    id: String,
}

/// What all events have, of one.
pub(super) fn outline(body: &[u8]) -> Result<Outline, NoticeError> {
    let outline: Outline = parsed(body)?;
    let is_name =
        |text: &str| (1..=MAX_NAME_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_name(&outline.id) && is_name(&outline.event_type) {
        Ok(outline)
    } else {
        Err(NoticeError::Unreadable("its id or type is none".to_owned()))
    }
}

/// What an event tells.
pub(super) fn read(body: &[u8]) -> Result<Told, NoticeError> {
    let event: Event<'_> = parsed(body)?;
    let resource = event.resource.map(RawValue::get).unwrap_or("{}").as_bytes();
    match event.event_type.as_str() {
        "PAYMENT.CAPTURE.COMPLETED" => {
            let CaptureResource { capture, custom_id, supplementary_data } = parsed(resource)?;
            let capture = capture.taken().map_err(unreadable)?;
            let order = custom_id.and_then(|id| id.parse().ok());
            Ok(Told::Captured { order, payment: payment(supplementary_data), capture })
        }
        "PAYMENT.CAPTURE.DENIED" | "PAYMENT.CAPTURE.DECLINED" => {
            let CaptureResource { capture, custom_id, supplementary_data } = parsed(resource)?;
            let order = custom_id.and_then(|id| id.parse().ok());
            let reason = capture.reason();
            // That it is refused counts, whatever the amount is.
            let capture = capture.taken().ok().map(|taken| {
                let of = Some(taken.id.clone());
                TakenBack { reversal: Reversal::Denied, taken, of, order }
            });
            Ok(Told::Declined { reason, payment: payment(supplementary_data), capture })
        }
        "PAYMENT.CAPTURE.REFUNDED" => taken_back(Reversal::Refunded, resource),
        "PAYMENT.CAPTURE.REVERSED" => taken_back(Reversal::Reversed, resource),
        "PAYMENT.CAPTURE.PENDING" => {
            let resource: CaptureResource = parsed(resource)?;
            Ok(Told::Pending { reason: resource.capture.reason(), payment: payment(resource.supplementary_data) })
        }
        "CHECKOUT.ORDER.APPROVED" => Ok(Told::Approved { payment: parsed::<OrderResource>(resource)?.id }),
        _ => Ok(Told::Other),
    }
}

/// A refund is a thing of its own, whose link `up` leads to the capture; without one it is the capture itself that is
/// shown.
fn taken_back(reversal: Reversal, resource: &[u8]) -> Result<Told, NoticeError> {
    let RefundResource { id, amount, custom_id, links } = parsed(resource)?;
    let amount = Money::try_from(&amount.unsigned()).map_err(unreadable)?;
    let capture = links.iter().filter(|link| link.rel == "up").find_map(|link| {
        let (_, capture) = link.href.rsplit_once(CAPTURES)?;
        Some(capture.to_owned())
    });
    let of = Some(capture.unwrap_or_else(|| id.clone()));
    let order = custom_id.and_then(|id| id.parse().ok());
    Ok(Told::TakenBack(TakenBack { reversal, taken: Capture { id, amount }, of, order }))
}

fn unreadable(error: MoneyError) -> NoticeError {
    NoticeError::Unreadable(match error {
        // Its words repeat what stands there.
        MoneyError::UnknownCurrency(_) => "its currency is none".to_owned(),
        error => error.to_string(),
    })
}

fn payment(data: Option<SupplementaryData>) -> Option<String> {
    data?.related_ids?.order_id
}

fn parsed<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, NoticeError> {
    serde_json::from_slice(bytes).map_err(|error| NoticeError::unreadable_json(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::OrderId;
    use serde_json::{Value, json};
    use uuid::Uuid;

    fn told(event_type: &str, resource: Value) -> Told {
        let event = json!({ "id": "WH-1", "event_type": event_type, "resource": resource });
        read(event.to_string().as_bytes()).unwrap()
    }

    fn capture(status: &str) -> Value {
        json!({
            "id": "42311647XV020574X",
            "status": status,
            "amount": { "currency_code": "USD", "value": "12.50" },
            "custom_id": Uuid::from_u128(7),
            "supplementary_data": { "related_ids": { "order_id": "5O190127TN364715T" } },
            "final_capture": true,
        })
    }

    #[test]
    fn a_completed_capture_names_order_payment_and_amount() {
        let amount = Money::parse("12.50", "USD").unwrap();
        let expected = Told::Captured {
            order: Some(OrderId(Uuid::from_u128(7))),
            payment: Some("5O190127TN364715T".to_owned()),
            capture: Capture { id: "42311647XV020574X".to_owned(), amount },
        };
        assert_eq!(told("PAYMENT.CAPTURE.COMPLETED", capture("COMPLETED")), expected);
    }

    #[test]
    fn other_events_tell_less_or_nothing() {
        let payment = Some("5O190127TN364715T".to_owned());
        let amount = Money::parse("12.50", "USD").unwrap();
        let back = TakenBack {
            reversal: Reversal::Denied,
            taken: Capture { id: "42311647XV020574X".to_owned(), amount },
            of: Some("42311647XV020574X".to_owned()),
            order: Some(OrderId(Uuid::from_u128(7))),
        };
        let declined = Told::Declined { payment, reason: "DECLINED".to_owned(), capture: Some(back) };
        assert_eq!(told("PAYMENT.CAPTURE.DENIED", capture("DECLINED")), declined);
        let approved = Told::Approved { payment: "5O190127TN364715T".to_owned() };
        assert_eq!(
            told("CHECKOUT.ORDER.APPROVED", json!({ "id": "5O190127TN364715T", "intent": "CAPTURE" })),
            approved
        );
        assert_eq!(told("CUSTOMER.DISPUTE.CREATED", json!({ "dispute_id": "PP-D-1" })), Told::Other);
    }

    #[test]
    fn what_is_taken_back_names_the_capture_that_it_is_of() {
        let amount = Money::parse("2.51", "USD").unwrap();
        let links = |up: &str| json!([{ "rel": "self", "href": "https://api.paypal.com/v2/payments/refunds/1Y107995YT783435V" }, { "rel": "up", "href": up }]);
        let refund = |value: &str, links: Value| json!({ "id": "1Y107995YT783435V", "status": "COMPLETED", "amount": { "currency_code": "USD", "value": value }, "links": links });
        let back = |reversal, of: &str| {
            let taken = Capture { id: "1Y107995YT783435V".to_owned(), amount };
            Told::TakenBack(TakenBack { reversal, taken, of: Some(of.to_owned()), order: None })
        };
        let up = "https://api.paypal.com/v2/payments/captures/0JF852973C016714D";
        let refunded = back(Reversal::Refunded, "0JF852973C016714D");
        assert_eq!(told("PAYMENT.CAPTURE.REFUNDED", refund("2.51", links(up))), refunded);
        let reversed = back(Reversal::Reversed, "0JF852973C016714D");
        assert_eq!(told("PAYMENT.CAPTURE.REVERSED", refund("-2.51", links(up))), reversed);
        // A capture, whose link leads up to its order.
        let order = "https://api.paypal.com/v2/checkout/orders/5O190127TN364715T";
        let shown = back(Reversal::Reversed, "1Y107995YT783435V");
        assert_eq!(told("PAYMENT.CAPTURE.REVERSED", refund("2.51", links(order))), shown);
    }

    #[test]
    fn what_can_not_be_read_says_where_and_repeats_nothing() {
        let body = br#"{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"email":"ada@example.com"}}"#;
        let error = read(body).unwrap_err().to_string();
        assert!(!error.contains("ada"), "{error}");
        let mut other = capture("COMPLETED");
        other["amount"]["currency_code"] = json!("ada@example.com");
        let event = json!({ "id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": other });
        let error = read(event.to_string().as_bytes()).unwrap_err().to_string();
        assert!(!error.contains("ada"), "{error}");
        assert!(outline(br#"{"id":"","event_type":"X"}"#).is_err());
        assert!(outline(br#"{"id":"a b","event_type":"X"}"#).is_err());
    }
}
