//! A small shop, and those who buy in it.

use domain::ids::{OrderNumber, SubjectId};
use domain::money::Currency;
use domain::order::{
    Command, Customer, ItemAdded, Line, OrderEvent, OrderPaid, OrderPlaced, PaymentConflict, PaymentFlagged,
    PaymentRecorded, Place, RequestedItem, Reversal, ShippingAddress,
};
use domain::product::{PictureName, ProductAdded, ProductEvent, ProductShippingChanged, ProductWithdrawn, Words};
use domain::text::{
    CategoryName, City, Country, Description, Email, PaymentReference, PersonName, PostalCode, ProductName,
    StreetAddress,
};
use domain::{Language, Money, Prices, Quantity, Sku, Slug};
use std::sync::Arc;

pub fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

pub fn quantity(number: u32) -> Quantity {
    Quantity::try_from(number).unwrap()
}

pub fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

pub fn money(amount: &str, currency: &str) -> Money {
    Money::parse(amount, currency).unwrap()
}

pub fn usd(amount: &str) -> Money {
    money(amount, "USD")
}

pub fn name(text: &str) -> ProductName {
    ProductName::parse(text).unwrap()
}

pub fn description(text: &str) -> Description {
    Description::parse(text).unwrap()
}

pub fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

pub fn language(text: &str) -> Language {
    Language::parse(text).unwrap()
}

pub fn picture(text: &str) -> PictureName {
    PictureName::parse(text).unwrap()
}

pub fn category_name(text: &str) -> CategoryName {
    CategoryName::parse(text).unwrap()
}

pub fn words(of: &str, text: Option<&str>) -> Words {
    Words { name: name(of), description: text.map(description) }
}

pub fn reference(text: &str) -> PaymentReference {
    PaymentReference::parse(text).unwrap()
}

/// What the shop sells: three things, a sample for nothing, one in yen, one that is sold no more, and one that is not
/// sent.
pub fn shop() -> Prices {
    let mut prices = Prices::default();
    let products = [
        ("TEA-GREEN", usd("12.50")),
        ("CUP", usd("4.20")),
        ("COFFEE", usd("9.00")),
        ("SAMPLE", usd("0.00")),
        ("MATCHA", money("1800", "JPY")),
        ("OLD-MUG", usd("6.00")),
        ("GUIDE", usd("5.00")),
    ];
    for (key, price) in products {
        list(&mut prices, key, price);
    }
    prices.apply(&sku("OLD-MUG"), &ProductWithdrawn { sku: sku("OLD-MUG") }.into());
    prices.apply(&sku("GUIDE"), &ProductShippingChanged { sku: sku("GUIDE"), requires_shipping: false }.into());
    prices
}

/// Puts a product on sale.
pub fn list(prices: &mut Prices, key: &str, price: Money) {
    prices.apply(&sku(key), &added(key, price));
}

/// A product added under a name like its sku.
pub fn added(key: &str, price: Money) -> ProductEvent {
    ProductAdded { sku: sku(key), name: name(&format!("{key} of the house")), description: None, price }.into()
}

pub fn ada() -> Arc<Customer> {
    Arc::new(Customer {
        subject_id: SubjectId("01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()),
        first_name: PersonName::parse("Ada").unwrap(),
        last_name: PersonName::parse("Lovelace").unwrap(),
        email: Email::parse("ada@example.com").unwrap(),
        shipping_address: Some(ShippingAddress {
            address: StreetAddress::parse("12 St James's Square").unwrap(),
            postal_code: PostalCode::parse("SW1Y 4JH").unwrap(),
            city: City::parse("London").unwrap(),
            country: Some(Country::parse("GB").unwrap()),
        }),
    })
}

/// Ada, who did not say where anything goes.
pub fn ada_without_address() -> Arc<Customer> {
    Arc::new(Customer { shipping_address: None, ..Customer::clone(&ada()) })
}

pub const NUMBER: OrderNumber = OrderNumber(1001);

pub fn item(number: u32, key: &str) -> RequestedItem {
    RequestedItem { sku: sku(key), quantity: quantity(number) }
}

/// Ada's checkout of these items.
pub fn checkout(items: impl IntoIterator<Item = RequestedItem>) -> Place {
    Place { number: NUMBER, customer: ada(), items: items.into_iter().collect(), expected_total: None }
}

/// Places Ada's order of these items.
pub fn place<const N: usize>(items: [(u32, &str); N]) -> Command {
    Command::Place(checkout(items.map(|(number, key)| item(number, key))))
}

pub fn add_item(number: u32, key: &str) -> Command {
    Command::AddItem(item(number, key))
}

pub fn record_payment(key: &str, amount: Money) -> Command {
    Command::RecordPayment { reference: reference(key), amount }
}

/// A line at the price of [`shop`].
pub fn line(number: u32, key: &str) -> Line {
    let listing = shop().listing(&sku(key)).unwrap().clone();
    Line { sku: sku(key), name: listing.name, unit_price: listing.price, quantity: quantity(number) }
}

pub fn lines<const N: usize>(of: [(u32, &str); N]) -> Arc<[Line]> {
    of.into_iter().map(|(number, key)| line(number, key)).collect()
}

pub fn item_added(line: Line, total: Money) -> OrderEvent {
    ItemAdded { line, total }.into()
}

pub fn order_placed(lines: Arc<[Line]>, total: Money) -> OrderEvent {
    OrderPlaced { number: NUMBER, customer: ada(), lines, total }.into()
}

pub fn order_paid(lines: Arc<[Line]>, total: Money) -> OrderEvent {
    OrderPaid { number: NUMBER, customer: ada(), lines, total }.into()
}

pub fn note_payment(key: &str, amount: Money) -> Command {
    Command::NotePayment { reference: reference(key), amount }
}

pub fn payment_flagged(key: &str, amount: Money, conflict: PaymentConflict) -> OrderEvent {
    PaymentFlagged { reference: reference(key), amount, conflict, payment: None }.into()
}

pub fn note_reversal(key: &str, amount: Money, reversal: Reversal, payment: &str) -> Command {
    Command::NoteReversal { reference: reference(key), amount, reversal, payment: Some(reference(payment)) }
}

pub fn taken_back(key: &str, amount: Money, reversal: Reversal, payment: &str) -> OrderEvent {
    let (reference, payment) = (reference(key), Some(reference(payment)));
    PaymentFlagged { reference, amount, conflict: reversal.into(), payment }.into()
}

pub fn payment_recorded(key: &str, amount: Money, paid_amount: Money) -> OrderEvent {
    PaymentRecorded { reference: reference(key), amount, paid_amount }.into()
}

/// Two teas and a cup, placed: 29.20 USD.
pub fn placed() -> Vec<OrderEvent> {
    vec![
        item_added(line(2, "TEA-GREEN"), usd("25.00")),
        item_added(line(1, "CUP"), usd("29.20")),
        order_placed(lines([(2, "TEA-GREEN"), (1, "CUP")]), usd("29.20")),
    ]
}

/// The order of [`placed`], paid at once under the reference `P-1`.
pub fn paid() -> Vec<OrderEvent> {
    let mut history = placed();
    history.push(payment_recorded("P-1", usd("29.20"), usd("29.20")));
    history.push(order_paid(lines([(2, "TEA-GREEN"), (1, "CUP")]), usd("29.20")));
    history
}
