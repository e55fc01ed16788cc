//! What a PayPal order is made of, and what the answers about one mean.

use super::super::provider::{Ask, Capture, ProviderError, Standing};
use super::amount::Amount;
use super::unreadable;
use domain::Money;
use domain::ids::OrderId;
use domain::money::MoneyError;
use serde::Deserialize;
use serde_json::json;
use url::Url;

/// The longest brand name.
const MAX_BRAND_CHARS: usize = 127;

/// The body that asks for a payment.
pub(super) fn create(ask: &Ask) -> Result<String, ProviderError> {
    let amount = Amount::try_from(ask.amount)?;
    let brand: String = ask.shop_name.chars().take(MAX_BRAND_CHARS).collect();
    let mut context = json!({
        "brand_name": brand,
        // The shop knows where it goes, or that nothing does.
        "shipping_preference": "NO_SHIPPING",
        "user_action": "PAY_NOW",
        "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
        "return_url": ask.return_url.as_str(),
        "cancel_url": ask.cancel_url.as_str(),
    });
    if let (Some(locale), Some(context)) = (locale(&ask.locale), context.as_object_mut()) {
        context.insert("locale".to_owned(), locale.into());
    }
    let body = json!({
        "intent": "CAPTURE",
        "purchase_units": [{
            "reference_id": "default",
            "custom_id": ask.order,
            "invoice_id": invoice_id(ask),
            "amount": amount,
        }],
        "payment_source": { "paypal": { "experience_context": context } },
    });
    Ok(body.to_string())
}

/// What PayPal shows the shop beside the payment: the order's number, so that it is found. PayPal takes the money of
/// each such id once, and an order may be paid by several payments (a part of it, or what was added since): so each has
/// its own.
fn invoice_id(ask: &Ask) -> String {
    let (of_intent, ..) = ask.intent.as_fields();
    format!("{}-{of_intent:08x}", ask.number)
}

/// PayPal's page in the customer's language, as far as PayPal has it; else it chooses by the customer's account.
fn locale(tag: &str) -> Option<&'static str> {
    match tag.split('-').next()? {
        "en" => Some("en-US"),
        "ko" => Some("ko-KR"),
        "zh" => Some("zh-CN"),
        _ => None,
    }
}

/// A PayPal order, as far as it is of concern here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PayPalOrder {
    /// What PayPal knows it by.
    pub(super) id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    purchase_units: Vec<PurchaseUnit>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Debug, Clone, Deserialize)]
struct PurchaseUnit {
    payments: Option<Payments>,
}

#[derive(Debug, Clone, Deserialize)]
struct Payments {
    #[serde(default)]
    captures: Vec<PayPalCapture>,
}

/// Money that was taken, or is about to be.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PayPalCapture {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) amount: Amount,
    pub(super) status_details: Option<StatusDetails>,
}

/// What a capture was for.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Origin {
    custom_id: Option<String>,
}

impl Origin {
    /// The order that we named when we asked for the money.
    pub(super) fn order(&self) -> Option<OrderId> {
        self.custom_id.as_deref()?.parse().ok()
    }
}

/// Why a capture is as it is.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StatusDetails {
    reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Link {
    pub(super) href: String,
    pub(super) rel: String,
}

impl PayPalOrder {
    /// Where the customer agrees: `payer-action` where a payment source was named, `approve` where none was.
    pub(super) fn approve_url(&self) -> Option<String> {
        let link = self.links.iter().find(|link| matches!(link.rel.as_str(), "payer-action" | "approve"))?;
        let url =
            Url::parse(&link.href).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())?;
        Some(url.to_string())
    }

    /// How the payment stands. What was captured goes before the order's own status: `COMPLETED` says only that it was
    /// tried.
    pub(super) fn standing(&self) -> Result<Standing, ProviderError> {
        let captures: Vec<&PayPalCapture> =
            self.purchase_units.iter().filter_map(|unit| unit.payments.as_ref()).flat_map(|p| &p.captures).collect();
        let taken: Result<Vec<Capture>, MoneyError> =
            captures.iter().filter(|capture| capture.is_taken()).map(|capture| capture.taken()).collect();
        let taken = taken.map_err(|error| unreadable(&error.to_string()))?;
        if !taken.is_empty() {
            return Ok(Standing::Captured(taken));
        }
        if let Some(pending) = captures.iter().find(|capture| capture.status == "PENDING") {
            return Ok(Standing::Pending(pending.reason()));
        }
        if let Some(refused) = captures.first() {
            return Ok(Standing::Declined(refused.reason()));
        }
        match self.status.as_str() {
            "CREATED" | "SAVED" | "PAYER_ACTION_REQUIRED" => Ok(Standing::NotApproved),
            "APPROVED" => Ok(Standing::Approved),
            "VOIDED" => Ok(Standing::Declined("VOIDED".to_owned())),
            // The short answer to a capture that is repeated has no captures; the order itself has.
            status => Err(unreadable(&format!("an order's status is {}", word(status)))),
        }
    }
}

impl PayPalCapture {
    /// Whether the money is ours. What was paid back later was paid before.
    fn is_taken(&self) -> bool {
        matches!(self.status.as_str(), "COMPLETED" | "PARTIALLY_REFUNDED" | "REFUNDED")
    }

    /// What was taken.
    pub(super) fn taken(&self) -> Result<Capture, MoneyError> {
        Ok(Capture { id: self.id.clone(), amount: Money::try_from(&self.amount)? })
    }

    /// Why it is as it is, in a word.
    pub(super) fn reason(&self) -> String {
        let reason = self.status_details.as_ref().and_then(|details| details.reason.as_deref());
        word(reason.unwrap_or(&self.status))
    }
}

/// What PayPal's refusal of a capture means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The customer has not agreed.
    NotApproved,
    /// It is being done.
    UnderWay,
    /// It was done before.
    Captured,
    /// It will not be done.
    Declined,
}

/// By the issue that PayPal names.
pub(super) fn meaning(issue: &str) -> Meaning {
    match issue {
        "ORDER_NOT_APPROVED" | "PAYER_ACTION_REQUIRED" => Meaning::NotApproved,
        "ORDER_COMPLETION_IN_PROGRESS" => Meaning::UnderWay,
        "ORDER_ALREADY_CAPTURED" => Meaning::Captured,
        _ => Meaning::Declined,
    }
}

/// The body of a refusal.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    name: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Debug, Deserialize)]
struct Detail {
    #[serde(default)]
    issue: String,
}

impl Refusal {
    /// What PayPal calls it: an identifier, never the words, which may repeat what was sent.
    pub(super) fn issue(&self) -> String {
        let issue = self.details.first().map(|detail| detail.issue.as_str()).filter(|issue| !issue.is_empty());
        word(issue.unwrap_or(&self.name))
    }
}

/// An identifier of PayPal's, in capitals; whatever else may stand there is not repeated.
pub(super) fn word(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_word = (1..=100).contains(&text.len()) && text.chars().all(allowed);
    if is_word { text.to_owned() } else { "UNKNOWN".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn standing(order: Value) -> Result<Standing, ProviderError> {
        serde_json::from_value::<PayPalOrder>(order).unwrap().standing()
    }

    fn with(status: &str, captures: Value) -> Value {
        json!({ "id": "5O190127TN364715T", "status": status, "purchase_units": [{ "payments": { "captures": captures } }] })
    }

    fn capture(id: &str, status: &str) -> Value {
        json!({ "id": id, "status": status, "amount": { "currency_code": "USD", "value": "12.50" } })
    }

    #[test]
    fn what_was_captured_goes_before_the_order_s_status() {
        let amount = Money::parse("12.50", "USD").unwrap();
        let taken = Standing::Captured(vec![Capture { id: "A".to_owned(), amount }]);
        assert_eq!(standing(with("COMPLETED", json!([capture("A", "COMPLETED")]))), Ok(taken.clone()));
        assert_eq!(standing(with("COMPLETED", json!([capture("A", "REFUNDED")]))), Ok(taken));
        let declined = Standing::Declined("DECLINED".to_owned());
        assert_eq!(standing(with("COMPLETED", json!([capture("A", "DECLINED")]))), Ok(declined));
        let mut pending = capture("A", "PENDING");
        pending["status_details"] = json!({ "reason": "PENDING_REVIEW" });
        assert_eq!(standing(with("COMPLETED", json!([pending]))), Ok(Standing::Pending("PENDING_REVIEW".to_owned())));
    }

    #[test]
    fn without_captures_the_status_tells() {
        let of = |status: &str| standing(json!({ "id": "5O190127TN364715T", "status": status }));
        assert_eq!(of("PAYER_ACTION_REQUIRED"), Ok(Standing::NotApproved));
        assert_eq!(of("APPROVED"), Ok(Standing::Approved));
        assert!(matches!(of("COMPLETED"), Err(ProviderError::Unavailable(_))));
        assert!(matches!(of("<b>"), Err(ProviderError::Unavailable(text)) if text.contains("UNKNOWN")));
    }

    #[test]
    fn a_refusal_is_known_by_its_first_issue() {
        let refusal = |body: Value| serde_json::from_value::<Refusal>(body).unwrap().issue();
        let body = json!({ "name": "UNPROCESSABLE_ENTITY", "details": [{ "issue": "ORDER_NOT_APPROVED" }] });
        assert_eq!(refusal(body), "ORDER_NOT_APPROVED");
        assert_eq!(refusal(json!({ "name": "RESOURCE_NOT_FOUND" })), "RESOURCE_NOT_FOUND");
        assert_eq!(refusal(json!({})), "UNKNOWN");
    }
}
