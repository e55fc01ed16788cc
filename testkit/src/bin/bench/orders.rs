//! The shop's products, and what its customers send.

use bytes::Bytes;
use rand::Rng;
use rand::rngs::SmallRng;
use std::fmt::Write;

/// A product: its sku, its name, its price in cents.
pub type Product = (&'static str, &'static str, u32);

/// What can be ordered, by whoever is measured.
pub const CATALOGUE: [Product; 12] = [
    ("TEA-GREEN", "Green tea, 100 g", 800),
    ("TEA-BLACK", "Black tea, 100 g", 650),
    ("TEA-WHITE", "White tea, 50 g", 1_450),
    ("TEA-OOLONG", "Oolong, 100 g", 1_200),
    ("TEA-MINT", "Peppermint, 80 g", 480),
    ("TEA-ROOIBOS", "Rooibos, 100 g", 590),
    ("CUP", "Cup, stoneware", 850),
    ("POT", "Pot, cast iron", 4_900),
    ("KETTLE", "Kettle, 1.2 l", 6_450),
    ("STRAINER", "Strainer, steel", 720),
    ("CADDY", "Caddy, tin", 1_150),
    ("WHISK", "Whisk, bamboo", 1_890),
];

/// Lines of each order.
pub const LINES: usize = 3;

pub const FIRST_NAMES: [&str; 8] = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Leslie", "Frances"];
pub const LAST_NAMES: [&str; 8] = ["Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Lamport", "Allen"];
/// Street, postal code, city, country.
pub const ADDRESSES: [(&str, &str, &str, &str); 4] = [
    ("12 St James's Square", "SW1Y 4JH", "London", "GB"),
    ("Rue de Rivoli 21", "75004", "Paris", "FR"),
    ("Unter den Linden 6", "10117", "Berlin", "DE"),
    ("1600 Amphitheatre Parkway", "94043", "Mountain View", "US"),
];

/// Three products that are not the same.
pub fn pick(random: &mut SmallRng) -> [Product; LINES] {
    let first = random.random_range(0..CATALOGUE.len());
    // Steps that are coprime to the number of products, or too small to come round.
    let step = random.random_range(1..4);
    std::array::from_fn(|nth| CATALOGUE[(first + nth * step) % CATALOGUE.len()])
}

/// The body of an order of three lines, as JSON.
pub fn body(random: &mut SmallRng, email: &str) -> Bytes {
    let first_name = FIRST_NAMES[random.random_range(0..FIRST_NAMES.len())];
    let last_name = LAST_NAMES[random.random_range(0..LAST_NAMES.len())];
    let (address, postal_code, city, country) = ADDRESSES[random.random_range(0..ADDRESSES.len())];
    let mut body = String::with_capacity(480);
    let written = write!(
        body,
        r#"{{"customer":{{"first_name":"{first_name}","last_name":"{last_name}","email":"{email}"}},"#
    )
    .and_then(|()| {
        write!(
            body,
            r#""shipping_address":{{"address":"{address}","postal_code":"{postal_code}","city":"{city}","country":"{country}"}},"items":["#
        )
    });
    written.expect("a string can be written");
    for (nth, (sku, _, _)) in pick(random).iter().enumerate() {
        let comma = if nth == 0 { "" } else { "," };
        let quantity = random.random_range(1..6);
        write!(body, r#"{comma}{{"sku":"{sku}","quantity":{quantity}}}"#).expect("a string can be written");
    }
    body.push_str("]}");
    body.into()
}

/// An address that nobody else has.
pub fn email(random: &mut SmallRng) -> String {
    format!("customer.{:012x}@example.com", random.random_range(0..1_u64 << 48))
}
