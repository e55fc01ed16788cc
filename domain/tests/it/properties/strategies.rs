//! Arbitrary values of the domain.

use domain::category::{
    CategoryAdded, CategoryEvent, CategoryRemoved, CategoryRenamed, CategoryRestored, CategoryTranslated,
};
use domain::ids::{OrderNumber, SubjectId};
use domain::money::Currency;
use domain::order::{
    Customer, EmailCorrected, ItemAdded, Line, OrderEvent, OrderPaid, OrderPlaced, PaymentConflict, PaymentFlagged,
    PaymentRecorded, ShippingAddress,
};
use domain::product::{
    PictureName, ProductAdded, ProductCategorized, ProductDescribed, ProductEvent, ProductFeatured, ProductPictured,
    ProductRepriced, ProductRestored, ProductShippingChanged, ProductTranslated, ProductUnfeatured, ProductWithdrawn,
    Words,
};
use domain::text::{
    CategoryName, City, Country, Description, Email, PaymentReference, PersonName, PostalCode, ProductName,
    StreetAddress,
};
use domain::{Event, Language, Money, Quantity, Sku, Slug};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::sync::Arc;

/// Currencies of every scale there is.
pub fn currencies() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["JPY", "USD", "EUR", "KWD", "CLF"]).prop_map(|code| Currency::parse(code).unwrap())
}

/// Money of this many of a currency's smallest unit.
pub fn of_units(units: i128, currency: Currency) -> Money {
    Money::new(Decimal::from_i128_with_scale(units, currency.scale()), currency).unwrap()
}

/// How many of a currency's smallest unit an amount is.
pub fn units(money: Money) -> i128 {
    money.amount().mantissa()
}

pub fn moneys() -> impl Strategy<Value = Money> {
    (0..10_i128.pow(15), currencies()).prop_map(|(units, currency)| of_units(units, currency))
}

/// Printable text in any script, spaces and quotes included.
fn words(max_chars: usize) -> impl Strategy<Value = String> {
    vec(prop_oneof![4 => prop::char::range(' ', '~'), 1 => any::<char>()], 1..=max_chars).prop_map(String::from_iter)
}

macro_rules! texts {
    ($($function:ident: $name:ident, $max_chars:literal;)+) => {
        $(fn $function() -> impl Strategy<Value = $name> {
            words($max_chars).prop_filter_map("no text of its kind", |text| $name::parse(&text).ok())
        })+
    };
}
texts! {
    person_names: PersonName, 12;
    addresses: StreetAddress, 12;
    postal_codes: PostalCode, 8;
    cities: City, 12;
    product_names: ProductName, 12;
    descriptions: Description, 12;
    category_names: CategoryName, 12;
    references: PaymentReference, 8;
}

pub fn emails() -> impl Strategy<Value = Email> {
    r#"[a-zé+_'-]{1,10}(\.[A-Z0-9]{1,5}){0,2}@[a-zü0-9]{1,10}(\.[a-z]{2,8}){1,3}|"[ -!#-\[\]-~]{1,9}"@[a-z]\.[a-z]"#
        .prop_filter_map("no address", |text| Email::parse(&text).ok())
}

pub fn skus() -> impl Strategy<Value = Sku> {
    "[A-Za-z0-9._-]{1,64}".prop_filter_map("a dot segment", |text| Sku::parse(&text).ok())
}

pub fn quantities() -> impl Strategy<Value = Quantity> {
    (1..=Quantity::MAX).prop_map(|number| Quantity::try_from(number).unwrap())
}

fn customers() -> impl Strategy<Value = Arc<Customer>> {
    let country = option::of("[A-Z]{2}".prop_map(|code| Country::parse(&code).unwrap()));
    let to = (addresses(), postal_codes(), cities(), country)
        .prop_map(|(address, postal_code, city, country)| ShippingAddress { address, postal_code, city, country });
    (any::<u128>(), person_names(), person_names(), emails(), option::of(to)).prop_map(
        |(subject, first_name, last_name, email, shipping_address)| {
            let subject_id = SubjectId(uuid::Uuid::from_u128(subject));
            Arc::new(Customer { subject_id, first_name, last_name, email, shipping_address })
        },
    )
}

fn order_lines() -> impl Strategy<Value = Line> {
    (skus(), product_names(), moneys(), quantities()).prop_map(|(sku, name, unit_price, quantity)| Line {
        sku,
        name,
        unit_price,
        quantity,
    })
}

/// Any event of an order by itself, whether or not a decision could lead to it.
fn order_events() -> impl Strategy<Value = OrderEvent> {
    let snapshots = || {
        let lines = vec(order_lines(), 0..4).prop_map(Arc::from);
        (any::<u64>().prop_map(OrderNumber), customers(), lines, moneys())
    };
    prop_oneof![
        (order_lines(), moneys()).prop_map(|(line, total)| ItemAdded { line, total }.into()),
        snapshots().prop_map(|(number, customer, lines, total)| OrderPlaced { number, customer, lines, total }.into()),
        snapshots()
            .prop_map(|(number, customer, lines, total)| EmailCorrected { number, customer, lines, total }.into()),
        snapshots().prop_map(|(number, customer, lines, total)| OrderPaid { number, customer, lines, total }.into()),
        (references(), moneys(), prop::sample::select(PaymentConflict::ALL.to_vec()))
            .prop_map(|(reference, amount, conflict)| PaymentFlagged { reference, amount, conflict }.into()),
        (references(), moneys(), moneys()).prop_map(|(reference, amount, paid_amount)| PaymentRecorded {
            reference,
            amount,
            paid_amount
        }
        .into()),
    ]
}

/// Any event of a product.
pub fn product_events(skus: impl Strategy<Value = Sku> + Clone) -> impl Strategy<Value = ProductEvent> {
    let named = || (skus.clone(), product_names(), option::of(descriptions()));
    prop_oneof![
        (named(), moneys()).prop_map(|((sku, name, description), price)| ProductAdded {
            sku,
            name,
            description,
            price
        }
        .into()),
        named().prop_map(|(sku, name, description)| ProductDescribed { sku, name, description }.into()),
        (skus.clone(), moneys(), moneys()).prop_map(|(sku, price, previous_price)| ProductRepriced {
            sku,
            price,
            previous_price
        }
        .into()),
        skus.clone().prop_map(|sku| ProductWithdrawn { sku }.into()),
        skus.clone().prop_map(|sku| ProductRestored { sku }.into()),
        presentation_events(skus.clone()),
    ]
}

fn slugs() -> impl Strategy<Value = Slug> {
    "[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?".prop_map(|text| Slug::parse(&text).unwrap())
}

fn languages() -> impl Strategy<Value = Language> {
    prop::sample::select(vec!["en", "ko", "zh-Hans", "zh-Hant-TW", "pt-BR", "haw"])
        .prop_map(|tag| Language::parse(tag).unwrap())
}

/// Any event that says how the shop shows a product.
fn presentation_events(skus: impl Strategy<Value = Sku> + Clone) -> impl Strategy<Value = ProductEvent> {
    let pictures = "[a-z0-9]{1,12}\\.(svg|webp)".prop_map(|text| PictureName::parse(&text).unwrap());
    let words =
        (product_names(), option::of(descriptions())).prop_map(|(name, description)| Words { name, description });
    prop_oneof![
        (skus.clone(), vec(slugs(), 0..4)).prop_map(|(sku, categories)| ProductCategorized { sku, categories }.into()),
        skus.clone().prop_map(|sku| ProductFeatured { sku }.into()),
        skus.clone().prop_map(|sku| ProductUnfeatured { sku }.into()),
        (skus.clone(), any::<bool>()).prop_map(|(sku, requires_shipping)| ProductShippingChanged {
            sku,
            requires_shipping
        }
        .into()),
        (skus.clone(), option::of(pictures)).prop_map(|(sku, picture)| ProductPictured { sku, picture }.into()),
        (skus, languages(), option::of(words)).prop_map(|(sku, language, words)| ProductTranslated {
            sku,
            language,
            words
        }
        .into()),
    ]
}

/// Any event of a category.
fn category_events() -> impl Strategy<Value = CategoryEvent> {
    prop_oneof![
        (slugs(), category_names()).prop_map(|(slug, name)| CategoryAdded { slug, name }.into()),
        (slugs(), category_names()).prop_map(|(slug, name)| CategoryRenamed { slug, name }.into()),
        (slugs(), languages(), option::of(category_names())).prop_map(|(slug, language, name)| CategoryTranslated {
            slug,
            language,
            name
        }
        .into()),
        slugs().prop_map(|slug| CategoryRemoved { slug }.into()),
        slugs().prop_map(|slug| CategoryRestored { slug }.into()),
    ]
}

pub fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        order_events().prop_map(Event::from),
        product_events(skus().boxed()).prop_map(Event::from),
        category_events().prop_map(Event::from),
    ]
}
