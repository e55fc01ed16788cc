use super::*;
use chrono::DateTime;
use domain::money::MoneyError;
use domain::order::ItemProblem;
use domain::{Position, Sku};
use std::sync::Arc;

fn nothing<A: Aggregate>(version: u64) -> Arc<Snapshot<A>> {
    let never = DateTime::UNIX_EPOCH;
    Arc::new(Snapshot {
        id: String::new(),
        state: A::default(),
        version,
        position: Position::ORIGIN,
        created_at: never,
        updated_at: never,
    })
}

fn told(error: &CommandError<Order>) -> (u16, &'static str) {
    let code = problem(error, Some("/items")).code();
    (code.status().as_u16(), code.as_str())
}

fn rejected(rejection: order::Rejection) -> (u16, &'static str) {
    told(&CommandError::Rejected { rejection, current: nothing(0) })
}

fn usd(amount: &str) -> Money {
    Money::parse(amount, "USD").unwrap()
}

#[test]
fn each_refusal_of_an_order_has_its_code() {
    use order::Rejection as R;
    let money = usd("1.00");
    let fault = ItemFault { index: 0, sku: Sku::parse("TEA").unwrap(), problem: ItemProblem::UnknownSku };
    assert_eq!(rejected(R::NotFound), (404, "order_not_found"));
    assert_eq!(rejected(R::AlreadyPlaced), (409, "order_exists"));
    assert_eq!(rejected(R::NoItems), (422, "invalid_body"));
    assert_eq!(rejected(R::Items(vec![fault])), (422, "items_rejected"));
    assert_eq!(rejected(R::TotalChanged { expected: money, actual: money }), (409, "total_changed"));
    assert_eq!(rejected(R::PaymentRecorded), (409, "payment_recorded"));
    assert_eq!(rejected(R::AlreadyPaid), (409, "already_paid"));
    assert_eq!(rejected(R::PaymentOfZero), (422, "payment_rejected"));
    assert_eq!(rejected(R::PaymentCurrency { expected: money.currency() }), (422, "payment_rejected"));
    assert_eq!(rejected(R::AboveBalance { balance: money }), (422, "above_balance"));
    assert_eq!(rejected(R::ReferenceReused { recorded: money }), (409, "reference_reused"));
    assert_eq!(rejected(R::Money(MoneyError::Overflow)), (422, "amount_too_large"));
}

#[test]
fn each_outcome_that_is_no_refusal_has_its_code() {
    assert_eq!(told(&CommandError::VersionMismatch { current: nothing(7) }), (412, "version_mismatch"));
    assert_eq!(told(&CommandError::VersionMismatch { current: nothing(0) }), (404, "order_not_found"));
    assert_eq!(told(&CommandError::KeyReused), (422, "idempotency_key_reused"));
    assert_eq!(told(&CommandError::KeyInFlight), (409, "request_in_flight"));
    for (error, code) in [
        (CommandError::Contention, "contention"),
        (CommandError::OutcomeUnknown, "outcome_unknown"),
        (CommandError::Overloaded, "overloaded"),
        (CommandError::Unavailable("postgres://shop:secret@db".to_owned()), "unavailable"),
    ] {
        assert_eq!(told(&error), (503, code));
        let shown = format!("{:?}", problem(&error, None));
        assert!(shown.contains("retry-after"), "{shown}");
        assert!(!shown.contains("secret"), "why is for the log alone");
    }
    let never = CommandError::NotStorable("secret".to_owned());
    assert_eq!(told(&never), (500, "not_storable"));
    let shown = format!("{:?}", problem(&never, None));
    assert!(!shown.contains("retry-after") && !shown.contains("secret"), "{shown}");
}

#[test]
fn a_conflict_tells_the_state_that_it_met() {
    let current = nothing::<Product>(3);
    let listed = domain::product::Listed {
        sku: Sku::parse("TEA").unwrap(),
        name: domain::text::ProductName::parse("Tea").unwrap(),
        description: None,
        price: usd("12.50"),
        status: Status::Withdrawn,
        requires_shipping: true,
        categories: Vec::new(),
        featured: false,
        picture: None,
        translations: std::collections::BTreeMap::new(),
    };
    let current = Arc::new(Snapshot { state: Product::Listed(listed), ..(*current).clone() });
    let error = CommandError::Rejected { rejection: product::Rejection::AlreadyExists, current };
    let problem: Value = serde_json::from_str(&problem(&error, None).document("r-1")).unwrap();
    let price = json!({ "amount": "12.50", "currency": "USD" });
    assert_eq!(problem["current"], json!({ "status": "withdrawn", "price": price, "version": 3 }));
    assert_eq!(problem["detail"], "A product with this sku exists already.");
}

#[test]
fn codes_are_told_apart_by_code_and_type() {
    let mut seen = std::collections::HashSet::new();
    for code in Code::ALL {
        assert!(seen.insert(code.as_str()), "{code:?}");
        assert!(code.status().is_client_error() || code.status().is_server_error());
        assert_eq!(code.type_uri(), format!("/problems/{}", code.slug()));
    }
}
