//! What can become of a product, and what the catalogue charges for it.

use crate::given::{given, given_no_product, state_after};
use crate::samples::*;
use domain::product::{
    Changes, Command, Listed, MAX_PRICE, Presentation, Product, ProductAdded, ProductDescribed, ProductEvent,
    ProductRepriced, ProductRestored, ProductWithdrawn, Rejection, Status,
};
use domain::{Money, Prices};
use std::collections::BTreeMap;

fn tea() -> ProductEvent {
    ProductAdded {
        sku: sku("TEA-GREEN"),
        name: name("Green tea"),
        description: Some(description("From Uji.")),
        price: usd("12.50"),
    }
    .into()
}

fn add_tea() -> Command {
    let ProductEvent::ProductAdded(tea) = tea() else { unreachable!() };
    Command::Add {
        sku: tea.sku,
        name: tea.name,
        description: tea.description,
        price: tea.price,
        presentation: Presentation::default(),
    }
}

fn described(text: &str, of: Option<&str>) -> ProductEvent {
    ProductDescribed { sku: sku("TEA-GREEN"), name: name(text), description: of.map(description) }.into()
}

fn repriced(price: Money, previous_price: Money) -> ProductEvent {
    ProductRepriced { sku: sku("TEA-GREEN"), price, previous_price }.into()
}

fn withdrawn() -> ProductEvent {
    ProductWithdrawn { sku: sku("TEA-GREEN") }.into()
}

fn restored() -> ProductEvent {
    ProductRestored { sku: sku("TEA-GREEN") }.into()
}

fn change_price(price: Money) -> Command {
    Command::Change(Changes { price: Some(price), ..Changes::default() })
}

fn change_name(text: &str) -> Command {
    Command::Change(Changes { name: Some(name(text)), ..Changes::default() })
}

fn change_description(of: Option<&str>) -> Command {
    Command::Change(Changes { description: Some(of.map(description)), ..Changes::default() })
}

#[test]
fn a_product_is_added_once() {
    given_no_product().when(add_tea()).then_events([tea()]);
    given([tea()]).when(add_tea()).then_rejected(Rejection::AlreadyExists);
    given([tea(), withdrawn()]).when(add_tea()).then_rejected(Rejection::AlreadyExists);
}

#[test]
fn a_price_is_at_most_99999999_99_in_any_currency() {
    assert_eq!(MAX_PRICE.to_string(), "99999999.99");
    let add = |price| Command::Add {
        sku: sku("TEA-GREEN"),
        name: name("Green tea"),
        description: None,
        price,
        presentation: Presentation::default(),
    };
    for (highest, too_high) in [
        (usd("99999999.99"), usd("100000000.00")),
        (money("99999999", "JPY"), money("100000000", "JPY")),
        (money("99999999.990", "KWD"), money("99999999.991", "KWD")),
    ] {
        assert_eq!(given_no_product().when(add(highest)).events().len(), 1, "{highest}");
        given_no_product().when(add(too_high)).then_rejected(Rejection::PriceTooHigh);
        assert_eq!(given([tea()]).when(change_price(highest)).events().len(), 1, "{highest}");
        given([tea()]).when(change_price(too_high)).then_rejected(Rejection::PriceTooHigh);
    }
}

#[test]
fn a_product_may_cost_nothing() {
    given([tea()]).when(change_price(usd("0.00"))).then_events([repriced(usd("0.00"), usd("12.50"))]);
}

#[test]
fn a_change_keeps_what_it_does_not_name() {
    given([tea()]).when(change_name("Sencha")).then_events([described("Sencha", Some("From Uji."))]);
    given([tea()])
        .when(change_description(Some("From Kagoshima.")))
        .then_events([described("Green tea", Some("From Kagoshima."))]);
    given([tea()]).when(change_price(usd("13.00"))).then_events([repriced(usd("13.00"), usd("12.50"))]);
}

#[test]
fn a_description_can_be_taken_away_and_given_back() {
    given([tea()]).when(change_description(None)).then_events([described("Green tea", None)]);
    given([tea(), described("Green tea", None)])
        .when(change_description(Some("From Uji.")))
        .then_events([described("Green tea", Some("From Uji."))]);
}

#[test]
fn words_and_price_change_together() {
    let price = Some(money("9.00", "EUR"));
    let both = Changes { name: Some(name("Sencha")), description: Some(None), price, ..Changes::default() };
    given([tea()])
        .when(Command::Change(both))
        .then_events([described("Sencha", None), repriced(money("9.00", "EUR"), usd("12.50"))]);
}

#[test]
fn a_price_that_is_refused_changes_no_word_either() {
    let both = Changes { name: Some(name("Sencha")), price: Some(usd("100000000.00")), ..Changes::default() };
    given([tea()]).when(Command::Change(both)).then_rejected(Rejection::PriceTooHigh);
}

#[test]
fn a_change_to_what_is_changes_nothing() {
    given([tea()]).when(Command::Change(Changes::default())).then_nothing();
    given([tea()]).when(change_name("Green tea")).then_nothing();
    given([tea()]).when(change_price(usd("12.50"))).then_nothing();
    given([tea()]).when(change_description(Some("From Uji."))).then_nothing();
}

#[test]
fn a_product_is_withdrawn_and_restored() {
    given([tea()]).when(Command::Withdraw).then_events([withdrawn()]);
    given([tea(), withdrawn()]).when(Command::Withdraw).then_nothing();
    given([tea(), withdrawn()]).when(Command::Restore).then_events([restored()]);
    given([tea()]).when(Command::Restore).then_nothing();
    given([tea(), withdrawn(), restored()]).when(Command::Withdraw).then_events([withdrawn()]);
}

#[test]
fn a_withdrawn_product_can_still_be_changed() {
    given([tea(), withdrawn()]).when(change_price(usd("10.00"))).then_events([repriced(usd("10.00"), usd("12.50"))]);
}

#[test]
fn there_is_nothing_to_change_before_a_product_is_added() {
    for command in [change_price(usd("1.00")), Command::Withdraw, Command::Restore] {
        given_no_product().when(command).then_rejected(Rejection::NotFound);
    }
}

#[test]
fn the_state_is_what_the_events_say() {
    let history = [tea(), described("Sencha", None), repriced(usd("13.00"), usd("12.50")), withdrawn()];
    let listed = Listed {
        sku: sku("TEA-GREEN"),
        name: name("Sencha"),
        description: None,
        price: usd("13.00"),
        status: Status::Withdrawn,
        requires_shipping: true,
        categories: Vec::new(),
        featured: false,
        picture: None,
        translations: BTreeMap::new(),
    };
    assert_eq!(state_after(&history), Product::Listed(listed));
    assert_eq!(state_after(&history[1..]), Product::Absent, "nothing happens to a product that was never added");
}

#[test]
fn the_catalogue_charges_what_the_events_say() {
    let tea_key = sku("TEA-GREEN");
    let mut prices = Prices::default();
    prices.apply(&tea_key, &repriced(usd("1.00"), usd("2.00")));
    assert!(prices.is_empty(), "nothing happens to a product that was never added");
    for event in [tea(), described("Sencha", None), repriced(usd("13.00"), usd("12.50")), withdrawn()] {
        prices.apply(&tea_key, &event);
    }
    let listing = prices.listing(&tea_key).unwrap();
    assert_eq!((&listing.name, listing.price, listing.status), (&name("Sencha"), usd("13.00"), Status::Withdrawn));
    assert_eq!(prices.len(), 1);
}

#[test]
fn a_copy_of_the_catalogue_does_not_follow() {
    let mut prices = shop();
    let copy = prices.clone();
    prices.apply(&sku("TEA-GREEN"), &repriced(usd("13.00"), usd("12.50")));
    assert_eq!(copy.listing(&sku("TEA-GREEN")).unwrap().price, usd("12.50"));
}

#[test]
fn being_added_again_undoes_no_later_price() {
    let tea_key = sku("TEA-GREEN");
    let history = [tea(), repriced(usd("13.00"), usd("12.50")), withdrawn()];
    let mut prices = Prices::default();
    history.iter().for_each(|event| prices.apply(&tea_key, event));
    let once = prices.listing(&tea_key).cloned();
    prices.apply(&tea_key, &tea());
    assert_eq!(prices.listing(&tea_key).cloned(), once);
    history.iter().for_each(|event| prices.apply(&tea_key, event));
    assert_eq!(prices.listing(&tea_key).cloned(), once);
}
