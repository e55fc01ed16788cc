//! Events as they stand on disk. Each file is a payload that was stored once, so it is never edited: when one of these
//! tests fails, the code is wrong, or a new version of the event is due (see `domain::wire`).

use crate::samples::{
    category_name, description, language, line, lines, money, name, payment_flagged as flagged, payment_recorded,
    picture, quantity, sku, slug, usd, words,
};
use chrono::{DateTime, Utc};
use domain::category::{
    CategoryAdded, CategoryEvent, CategoryRemoved, CategoryRenamed, CategoryRestored, CategoryTranslated,
};
use domain::ids::{OrderNumber, SubjectId};
use domain::newsletter::{IssueContent, IssueDrafted, IssueReleased, IssueWords, NewsletterEvent};
use domain::order::{
    Customer, EmailCorrected, ItemAdded, Line, OrderEvent, OrderPaid, OrderPlaced, PaymentConflict, ShippingAddress,
};
use domain::product::{
    ProductAdded, ProductCategorized, ProductDescribed, ProductEvent, ProductFeatured, ProductPictured,
    ProductRepriced, ProductRestored, ProductShippingChanged, ProductTranslated, ProductUnfeatured, ProductWithdrawn,
};
use domain::text::{City, Country, Email, IssueSubject, IssueText, PersonName, PostalCode, StreetAddress};
use domain::{AggregateType, Event, Metadata, wire};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// The event that each golden file stands for, by its name `<EventType>.v<version>.<full|minimal>`.
pub fn expected() -> BTreeMap<&'static str, Event> {
    let orders = order_events().into_iter().map(|(name, event)| (name, Event::from(event)));
    let products = product_events().into_iter().map(|(name, event)| (name, Event::from(event)));
    let shown = presentation_events().into_iter().map(|(name, event)| (name, Event::from(event)));
    let categories = category_events().into_iter().map(|(name, event)| (name, Event::from(event)));
    let issues = issue_events().into_iter().map(|(name, event)| (name, Event::from(event)));
    orders.chain(products).chain(shown).chain(categories).chain(issues).collect()
}

fn order_events() -> [(&'static str, OrderEvent); 16] {
    let (number, first) = (OrderNumber(1_234_567_890), OrderNumber(1));
    let (many, few) = (|| lines([(2, "TEA-GREEN"), (9_999, "CUP")]), || lines([(1, "SAMPLE")]));
    let (total, zero) = (usd("42020.80"), usd("0.00"));
    [
        ("ItemAdded.v1.full", ItemAdded { line: quoted(), total: usd("999899999900.01") }.into()),
        ("ItemAdded.v1.minimal", ItemAdded { line: line(1, "SAMPLE"), total: zero }.into()),
        ("OrderPlaced.v1.full", OrderPlaced { number, customer: zoe(), lines: many(), total }.into()),
        ("OrderPlaced.v1.minimal", OrderPlaced { number: first, customer: x(), lines: few(), total: zero }.into()),
        ("OrderPlaced.v2.full", OrderPlaced { number, customer: zoe(), lines: many(), total }.into()),
        (
            "OrderPlaced.v2.minimal",
            OrderPlaced { number: first, customer: nowhere(), lines: few(), total: zero }.into(),
        ),
        (
            "PaymentRecorded.v1.full",
            payment_recorded("pi_3Nä\"\\/ 2026", money("1.234", "KWD"), money("25.000", "KWD")),
        ),
        ("PaymentRecorded.v1.minimal", payment_recorded("1", money("1", "JPY"), money("1", "JPY"))),
        ("PaymentFlagged.v1.full", flagged("pi_3Nä\"\\/ 2026", money("1.234", "KWD"), PaymentConflict::OtherAmount)),
        ("PaymentFlagged.v1.minimal", flagged("1", money("0", "JPY"), PaymentConflict::Nothing)),
        ("OrderPaid.v1.full", OrderPaid { number, customer: zoe(), lines: many(), total }.into()),
        ("OrderPaid.v1.minimal", OrderPaid { number: first, customer: x(), lines: few(), total: zero }.into()),
        ("OrderPaid.v2.full", OrderPaid { number, customer: zoe(), lines: many(), total }.into()),
        ("OrderPaid.v2.minimal", OrderPaid { number: first, customer: nowhere(), lines: few(), total: zero }.into()),
        ("EmailCorrected.v1.full", EmailCorrected { number, customer: zoe(), lines: many(), total }.into()),
        (
            "EmailCorrected.v1.minimal",
            EmailCorrected { number: first, customer: nowhere(), lines: few(), total: zero }.into(),
        ),
    ]
}

fn product_events() -> [(&'static str, ProductEvent); 10] {
    let (longest, x) = (sku("AZ.az_09-0123456789012345678901234567890123456789012345678901234"), sku("x"));
    let words = Some(description("First flush.\n100 g, \u{2028}1/2 \\ box"));
    let (full_name, short_name, price) = (name("Green tea \"Sencha\" 煎茶"), name("x"), usd("99999999.99"));
    [
        (
            "ProductAdded.v1.full",
            ProductAdded { sku: longest.clone(), name: full_name.clone(), description: words.clone(), price }.into(),
        ),
        (
            "ProductAdded.v1.minimal",
            ProductAdded { sku: x.clone(), name: short_name.clone(), description: None, price: usd("0.00") }.into(),
        ),
        (
            "ProductDescribed.v1.full",
            ProductDescribed { sku: longest.clone(), name: full_name, description: words }.into(),
        ),
        (
            "ProductDescribed.v1.minimal",
            ProductDescribed { sku: x.clone(), name: short_name, description: None }.into(),
        ),
        (
            "ProductRepriced.v1.full",
            ProductRepriced { sku: longest.clone(), price, previous_price: money("1800", "JPY") }.into(),
        ),
        (
            "ProductRepriced.v1.minimal",
            ProductRepriced { sku: x.clone(), price: usd("0.00"), previous_price: usd("0.01") }.into(),
        ),
        ("ProductWithdrawn.v1.full", ProductWithdrawn { sku: longest.clone() }.into()),
        ("ProductWithdrawn.v1.minimal", ProductWithdrawn { sku: x.clone() }.into()),
        ("ProductRestored.v1.full", ProductRestored { sku: longest }.into()),
        ("ProductRestored.v1.minimal", ProductRestored { sku: x }.into()),
    ]
}

fn presentation_events() -> [(&'static str, ProductEvent); 12] {
    let (longest, x) = (|| sku("AZ.az_09-0123456789012345678901234567890123456789012345678901234"), || sku("x"));
    let (korean, portuguese) = (language("ko"), language("pt-BR"));
    let said = words("Chá \"Sencha\" 煎茶", Some("Primeira colheita.\n100 g \\ caixa"));
    let named = picture("5f2a9c0d4e1b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c.svg");
    let categories = vec![slug("green-tea"), slug("2026"), slug("a")];
    [
        ("ProductCategorized.v1.full", ProductCategorized { sku: longest(), categories }.into()),
        ("ProductCategorized.v1.minimal", ProductCategorized { sku: x(), categories: Vec::new() }.into()),
        ("ProductFeatured.v1.full", ProductFeatured { sku: longest() }.into()),
        ("ProductFeatured.v1.minimal", ProductFeatured { sku: x() }.into()),
        ("ProductUnfeatured.v1.full", ProductUnfeatured { sku: longest() }.into()),
        ("ProductUnfeatured.v1.minimal", ProductUnfeatured { sku: x() }.into()),
        ("ProductShippingChanged.v1.full", ProductShippingChanged { sku: longest(), requires_shipping: false }.into()),
        ("ProductShippingChanged.v1.minimal", ProductShippingChanged { sku: x(), requires_shipping: true }.into()),
        ("ProductPictured.v1.full", ProductPictured { sku: longest(), picture: Some(named) }.into()),
        ("ProductPictured.v1.minimal", ProductPictured { sku: x(), picture: None }.into()),
        (
            "ProductTranslated.v1.full",
            ProductTranslated { sku: longest(), language: portuguese, words: Some(said) }.into(),
        ),
        ("ProductTranslated.v1.minimal", ProductTranslated { sku: x(), language: korean, words: None }.into()),
    ]
}

fn category_events() -> [(&'static str, CategoryEvent); 10] {
    let (longest, x) = (|| slug("0-a23456789012345678901234567890123456789012345678901234567z"), || slug("x"));
    let (full, short) = (|| category_name("Tea \"& more\" 茶"), || category_name("x"));
    let (chinese, korean) = (language("zh-Hant-TW"), language("ko"));
    [
        ("CategoryAdded.v1.full", CategoryAdded { slug: longest(), name: full() }.into()),
        ("CategoryAdded.v1.minimal", CategoryAdded { slug: x(), name: short() }.into()),
        ("CategoryRenamed.v1.full", CategoryRenamed { slug: longest(), name: full() }.into()),
        ("CategoryRenamed.v1.minimal", CategoryRenamed { slug: x(), name: short() }.into()),
        (
            "CategoryTranslated.v1.full",
            CategoryTranslated { slug: longest(), language: chinese, name: Some(full()) }.into(),
        ),
        ("CategoryTranslated.v1.minimal", CategoryTranslated { slug: x(), language: korean, name: None }.into()),
        ("CategoryRemoved.v1.full", CategoryRemoved { slug: longest() }.into()),
        ("CategoryRemoved.v1.minimal", CategoryRemoved { slug: x() }.into()),
        ("CategoryRestored.v1.full", CategoryRestored { slug: longest() }.into()),
        ("CategoryRestored.v1.minimal", CategoryRestored { slug: x() }.into()),
    ]
}

fn issue_events() -> [(&'static str, NewsletterEvent); 4] {
    let said = |subject: &str, text: &str| IssueWords {
        subject: IssueSubject::parse(subject).unwrap(),
        text: IssueText::parse(text).unwrap(),
    };
    let translations = [(language("ko"), said("차", "첫물차")), (language("zh-Hant-TW"), said("茶", "頭春茶"))];
    let full = IssueContent {
        words: said("Tea \"& more\" 茶", "First flush.\n\n100 g \\ box"),
        translations: translations.into_iter().collect(),
    };
    let minimal = IssueContent { words: said("x", "x"), translations: BTreeMap::new() };
    [
        ("IssueDrafted.v1.full", IssueDrafted { content: full.clone() }.into()),
        ("IssueDrafted.v1.minimal", IssueDrafted { content: minimal.clone() }.into()),
        ("IssueReleased.v1.full", IssueReleased { content: full }.into()),
        ("IssueReleased.v1.minimal", IssueReleased { content: minimal }.into()),
    ]
}

/// A line with all that JSON has to escape in it.
fn quoted() -> Line {
    Line {
        sku: sku("AZ.az_09-"),
        name: name("\"Café\" \\ 1/2 & <b>🍵</b>"),
        unit_price: usd("99999999.99"),
        quantity: quantity(9_999),
    }
}

/// A customer with everything that can be given.
fn zoe() -> Arc<Customer> {
    customer(
        "01890a5d-ac96-774b-bcce-b302099a8057",
        ["Zoë \"Zo\"", "O'Connor-李", "zoë.o'connor+tea@bücher.example"],
        ["12 Rue de l'Été\\3, Appt. \"B\"", "SW1Y 4JH", "Saint-Étienne"],
        Some("FR"),
    )
}

/// A customer with no more than must be given.
fn x() -> Arc<Customer> {
    customer("00000000-0000-0000-0000-000000000000", ["x", "x", "x@x.x"], ["x", "x", "x"], None)
}

/// A customer to whom nothing is sent.
fn nowhere() -> Arc<Customer> {
    Arc::new(Customer { shipping_address: None, ..Customer::clone(&x()) })
}

fn customer(subject: &str, who: [&str; 3], to: [&str; 3], country: Option<&str>) -> Arc<Customer> {
    Arc::new(Customer {
        subject_id: SubjectId(subject.parse().unwrap()),
        first_name: PersonName::parse(who[0]).unwrap(),
        last_name: PersonName::parse(who[1]).unwrap(),
        email: Email::parse(who[2]).unwrap(),
        shipping_address: Some(ShippingAddress {
            address: StreetAddress::parse(to[0]).unwrap(),
            postal_code: PostalCode::parse(to[1]).unwrap(),
            city: City::parse(to[2]).unwrap(),
            country: country.map(|code| Country::parse(code).unwrap()),
        }),
    })
}

fn golden_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"))
}

/// A golden file's content, without the line feed at its end.
fn golden(name: &str) -> Option<String> {
    let content = std::fs::read_to_string(golden_file(name)).ok()?;
    Some(content.strip_suffix('\n').unwrap_or(&content).to_owned())
}

fn golden_names((_, event_type, version): (AggregateType, &str, &str)) -> [String; 2] {
    ["full", "minimal"].map(|extent| format!("{event_type}.v{version}.{extent}"))
}

#[test]
fn what_was_stored_reads_as_the_event_that_it_was() {
    let expected = expected();
    for version @ (aggregate_type, event_type, event_version) in wire::versions() {
        for name in golden_names(version) {
            let Some(stored) = golden(&name) else { continue };
            let event = wire::decode(aggregate_type, event_type, event_version, &stored);
            // Not `assert_eq!`: what it shows of a customer is nothing.
            assert!(event.as_ref().ok() == expected.get(name.as_str()), "{name} reads as {event:?}");
        }
    }
}

#[test]
fn every_version_has_its_golden_files() {
    let expected = expected();
    for name in wire::versions().flat_map(golden_names) {
        assert!(expected.contains_key(name.as_str()), "golden.rs lacks the event that {name} stands for");
        assert!(
            golden(&name).is_some(),
            "{} is missing; if its version was never stored before, write into it:\n{}",
            golden_file(&name).display(),
            expected.get(name.as_str()).map_or_else(String::new, |event| wire::encode(event).payload),
        );
    }
}

#[test]
fn no_golden_file_stands_for_nothing() {
    let known: BTreeSet<String> = wire::versions().flat_map(golden_names).collect();
    assert_eq!(expected().into_keys().collect::<Vec<_>>(), known.iter().collect::<Vec<_>>());
    for entry in std::fs::read_dir(golden_file("x").parent().unwrap()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = file.strip_suffix(".json").filter(|name| !name.starts_with("metadata.")) {
            assert!(known.contains(name), "{file}: this version was stored once and can't be read any more");
        }
    }
}

/// Byte for byte, as the order of members is stored too.
#[test]
fn today_writes_what_the_newest_golden_files_say() {
    let expected = expected();
    for (aggregate_type, event_type, event_version) in wire::versions() {
        if !wire::is_current(event_type, event_version) {
            continue;
        }
        for name in golden_names((aggregate_type, event_type, event_version)) {
            let encoded = wire::encode(&expected[name.as_str()]);
            assert_eq!((encoded.event_type, encoded.event_version), (event_type, event_version), "{name}");
            assert_eq!(Some(encoded.payload), golden(&name), "{name}: another shape is another version");
        }
    }
}

#[test]
fn metadata_reads_and_writes_as_it_was_stored() {
    let occurred_at: DateTime<Utc> = "2026-02-28T23:59:59.123456Z".parse().unwrap();
    let minimal = Metadata {
        occurred_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        actor: "x".into(),
        correlation_id: "x".into(),
        causation_id: None,
        traceparent: None,
        locale: None,
    };
    let full = Metadata {
        occurred_at,
        actor: "key:01890a5d-ac96-774b-bcce-b302099a8057".into(),
        correlation_id: "01890a5d-ac96-774b-bcce-b302099a8058".into(),
        causation_id: Some("01890a5d-ac96-774b-bcce-b302099a8059".into()),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        locale: Some("fr-CA".into()),
    };
    for (name, metadata) in [("metadata.full", full), ("metadata.minimal", minimal)] {
        let written = serde_json::to_string(&metadata).unwrap();
        assert_eq!(golden(name).as_ref(), Some(&written), "{name}");
        assert_eq!(serde_json::from_str::<Metadata>(&written).unwrap(), metadata, "{name}");
        let flat: Result<BTreeMap<String, String>, _> = serde_json::from_str(&written);
        assert!(flat.is_ok(), "cqrs-es reads metadata as a flat map of strings: {written}");
    }
}
