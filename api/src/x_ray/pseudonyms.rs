//! Names in place of personal data: the same for the same person, address or text throughout one document, and another
//! in the next.
//!
//! What is kept is listed here, by its name; all other texts are replaced, those too of events and columns that nobody
//! has thought of yet. Numbers, times and truth values are no texts; in a row they are told by their column's type, as
//! a telephone number is a number too.

use consumers::x_ray::LedgerRow;
use projections::x_ray::Row;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Texts of these names are kept: they tell of goods, money, or of what the program did. A line's `name` is its
/// product's.
const KEPT: &[&str] = &[
    "sku",
    "name",
    "currency",
    "amount",
    "quantity",
    "conflict",
    "status",
    "locale",
    "occurred_at",
    "causation_id",
    "traceparent",
    "id",
    "order_id",
];
/// The shortest text that is looked for anywhere within others. A shorter one is in half of all words: it is replaced
/// where it stands by itself.
const SOUGHT_CHARS: usize = 3;

/// What a text is, so that it is replaced by one that can stand in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    FirstName,
    LastName,
    Email,
    Address,
    PostalCode,
    City,
    Country,
    Subject,
    Reference,
    Actor,
    Request,
    Text,
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "first_name" => Self::FirstName,
            "last_name" => Self::LastName,
            "email" | "email_key" => Self::Email,
            "address" => Self::Address,
            "postal_code" => Self::PostalCode,
            "city" => Self::City,
            "country" => Self::Country,
            "subject_id" | "recipient" => Self::Subject,
            "reference" | "payment" => Self::Reference,
            "actor" | "decided_by" => Self::Actor,
            "correlation_id" => Self::Request,
            _ => Self::Text,
        }
    }

    /// The name of the `n`th of its kind, from 1.
    fn name(self, n: usize) -> String {
        match self {
            Self::FirstName => format!("Given{n}"),
            Self::LastName => format!("Family{n}"),
            Self::Email => format!("mail{n}@pseudonym.invalid"),
            Self::Address => format!("Street {n}"),
            Self::PostalCode => format!("P{n:05}"),
            Self::City => format!("City{n}"),
            // XA to XZ are nobody's (ISO 3166-1).
            Self::Country => format!("X{}", char::from(b'A' + u8::try_from((n - 1) % 26).unwrap_or_default())),
            // Version 8 is whatever whoever makes it wants (RFC 9562).
            Self::Subject => format!("00000000-0000-8000-8000-{n:012x}"),
            Self::Reference => format!("reference-{n}"),
            Self::Actor => format!("actor-{n}"),
            Self::Request => format!("request-{n}"),
            Self::Text => format!("text-{n}"),
        }
    }
}

/// What was replaced by what.
#[derive(Debug, Default)]
pub struct Pseudonyms {
    names: HashMap<(Kind, String), String>,
    counts: HashMap<Kind, usize>,
}

impl Pseudonyms {
    /// Replaces the texts in a value.
    pub fn replace(&mut self, value: &mut Value) {
        self.replace_named("", value);
    }

    /// Replaces the texts of a row, whose columns are texts throughout. Those that are `plain` are none by their type.
    pub fn replace_row(&mut self, row: &mut Row, plain: &BTreeSet<String>) {
        for (column, value) in row {
            if !plain.contains(column) {
                self.replace_named(column, value);
            }
        }
    }

    /// Replaces whom an effect reaches and who decided on it; in what the program says of it, what is known as personal
    /// by now.
    pub fn replace_effect(&mut self, effect: &mut LedgerRow) {
        let recipient = self.name(Kind::Subject, &effect.recipient.to_string());
        effect.recipient = recipient.parse().unwrap_or(Uuid::nil());
        if let Some(decided_by) = &mut effect.decided_by {
            *decided_by = self.name(Kind::Actor, decided_by);
        }
        for text in [&mut effect.reason, &mut effect.message_id].into_iter().flatten() {
            *text = self.within(text);
        }
        for attempt in &mut effect.failed_attempts {
            attempt.answer = self.within(&attempt.answer);
        }
    }

    /// What stands for what somebody wrote.
    pub fn text(&mut self, text: &str) -> String {
        self.name(Kind::Text, text)
    }

    /// What stands for somebody who acted.
    pub fn actor(&mut self, name: &str) -> String {
        self.name(Kind::Actor, name)
    }

    fn replace_named(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::Object(members) => members.iter_mut().for_each(|(name, value)| self.replace_named(name, value)),
            Value::Array(values) => values.iter_mut().for_each(|value| self.replace_named(name, value)),
            Value::String(text) if !KEPT.contains(&name) => *text = self.name(Kind::of(name), text),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn name(&mut self, kind: Kind, text: &str) -> String {
        // A request's own id tells of nobody, unless a client made one up.
        let is_nobodys = match kind {
            Kind::Request => text.parse::<Uuid>().is_ok(),
            Kind::Subject => text.parse() == Ok(Uuid::nil()),
            _ => text.is_empty(),
        };
        if is_nobodys {
            return text.to_owned();
        }
        // An address is the same one in whatever case it is written.
        let text = if kind == Kind::Email { text.to_lowercase() } else { text.to_owned() };
        let counts = &mut self.counts;
        let name = self.names.entry((kind, text)).or_insert_with(|| {
            let count = counts.entry(kind).or_default();
            *count += 1;
            kind.name(*count)
        });
        name.clone()
    }

    /// A text of the program's in which something personal may stand all the same, such as an address that a mail
    /// server repeats.
    pub fn within(&self, text: &str) -> String {
        let mut known: Vec<_> =
            self.names.iter().map(|((kind, text), name)| (Sought::of(*kind, text), text, name)).collect();
        // Of two that overlap, the whole one goes first.
        known.sort_by_key(|(_, text, _)| std::cmp::Reverse(text.len()));
        known.into_iter().fold(text.to_owned(), |text, (sought, known, name)| match sought {
            Sought::Anywhere => replace_in_any_case(&text, known, name, false),
            Sought::AsWord => replace_in_any_case(&text, known, name, true),
            Sought::AsWritten => replace(&text, (&text, known), name, true),
            Sought::Nowhere => text,
        })
    }
}

/// How what is known is looked for within other texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sought {
    /// Also as a part of a word.
    Anywhere,
    /// Where it stands by itself: a name such as Li or Bo.
    AsWord,
    /// The same, in the very case: the codes of countries are words of English too.
    AsWritten,
    /// A number of so few digits tells of nobody, and is a part of what servers answer.
    Nowhere,
}

impl Sought {
    fn of(kind: Kind, text: &str) -> Self {
        // Where letters know no case, as in Chinese, no space stands between words either.
        let has_words =
            text.chars().all(|letter| letter.is_lowercase() || letter.is_uppercase() || !letter.is_alphabetic());
        match kind {
            _ if text.chars().count() >= SOUGHT_CHARS || !has_words => Self::Anywhere,
            _ if !text.chars().any(char::is_alphabetic) => Self::Nowhere,
            Kind::Country => Self::AsWritten,
            _ => Self::AsWord,
        }
    }
}

fn replace_in_any_case(text: &str, sought: &str, name: &str, by_itself: bool) -> String {
    let (low, sought) = (text.to_lowercase(), sought.to_lowercase());
    // Letters whose lower case is of another length would shift all that follows.
    if low.len() == text.len() {
        return replace(text, (&low, &sought), name, by_itself);
    }
    let replaced = replace(&low, (&low, &sought), name, by_itself);
    if replaced == low { text.to_owned() } else { replaced }
}

/// Replaces in `text` what is found in `low`, which is the same in another case.
fn replace(text: &str, (low, sought): (&str, &str), name: &str, by_itself: bool) -> String {
    let mut replaced = String::with_capacity(text.len());
    let (mut kept, mut from) = (0, 0);
    while let Some(found) = low.get(from..).and_then(|rest| rest.find(sought)).map(|found| from + found) {
        let end = found + sought.len();
        if !by_itself || stands_by_itself(low, found, end) {
            replaced.push_str(text.get(kept..found).unwrap_or_default());
            replaced.push_str(name);
            kept = end;
        }
        from = end;
    }
    replaced.push_str(text.get(kept..).unwrap_or_default());
    replaced
}

fn stands_by_itself(text: &str, from: usize, end: usize) -> bool {
    let before = text.get(..from).and_then(|before| before.chars().next_back());
    let behind = text.get(end..).and_then(|behind| behind.chars().next());
    !before.into_iter().chain(behind).any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_same_is_replaced_by_the_same_and_goods_are_kept() {
        let mut known = Pseudonyms::default();
        let customer = json!({
            "subject_id": "0190b6a5-5b1c-7000-8000-000000000001", "first_name": "Ada", "last_name": "Ada",
            "email": "Ada@Example.com", "shipping_address": { "city": "London", "country": "GB" },
        });
        let mut event = json!({ "OrderPlaced": {
            "number": 1001, "customer": customer,
            "lines": [{ "sku": "TEA", "name": "Green tea", "quantity": 2, "unit_price": { "amount": "12.50", "currency": "USD" } }],
            "brand_new": "who knows",
        }});
        known.replace(&mut event);
        let placed = &event["OrderPlaced"];
        let customer = &placed["customer"];
        assert_eq!((&customer["first_name"], &customer["last_name"]), (&json!("Given1"), &json!("Family1")));
        assert_eq!(customer["subject_id"], "00000000-0000-8000-8000-000000000001");
        assert_eq!(customer["shipping_address"], json!({ "city": "City1", "country": "XA" }));
        assert_eq!(placed["lines"][0]["name"], "Green tea");
        assert_eq!(placed["lines"][0]["unit_price"]["amount"], "12.50");
        assert_eq!((&placed["number"], &placed["brand_new"]), (&json!(1001), &json!("text-1")));

        let mut row: Row = serde_json::from_value(json!({
            "email": "Ada@Example.com", "email_key": "ada@example.com", "total": "25.00", "paid": "false",
            "placed_at": "2026-01-31T00:00:00+00:00", "day": "2026-01-31", "nickname": "Countess", "city": null,
            "phone": "447700900123", "born": "1815-12-10",
        }))
        .unwrap();
        let plain = ["total", "paid", "placed_at", "day"].map(str::to_owned).into();
        known.replace_row(&mut row, &plain);
        assert_eq!((&row["email"], &row["email_key"]), (&customer["email"], &customer["email"]));
        assert_eq!(
            (&row["total"], &row["paid"], &row["day"]),
            (&json!("25.00"), &json!("false"), &json!("2026-01-31"))
        );
        assert_eq!((&row["city"], &row["placed_at"]), (&Value::Null, &json!("2026-01-31T00:00:00+00:00")));
        for column in ["nickname", "phone", "born"] {
            assert!(row[column].as_str().unwrap().starts_with("text-"), "{column}: {}", row[column]);
        }
    }

    #[test]
    fn what_is_known_is_found_within_other_texts() {
        let mut known = Pseudonyms::default();
        known.replace(&mut json!({ "email": "ada@example.com", "city": "Łódź", "country": "PL" }));
        assert_eq!(known.within("550 <ADA@example.com> in ŁÓDŹ: no"), "550 <mail1@pseudonym.invalid> in City1: no");
        assert_eq!(known.within("a plain text"), "a plain text");
    }

    #[test]
    fn a_short_name_is_found_where_it_stands_by_itself() {
        let mut known = Pseudonyms::default();
        known.replace(
            &mut json!({ "first_name": "Li", "last_name": "王", "city": "Å", "country": "IN", "postal_code": "5" }),
        );
        assert_eq!(
            known.within("li, LI's and Bo-Li: delivered in line"),
            "Given1, Given1's and Bo-Given1: delivered in line"
        );
        assert_eq!(known.within("王先生 in IN, å"), "Family1先生 in XA, City1");
        assert_eq!(known.within("550 5.1.1 no such user, attempt 5"), "550 5.1.1 no such user, attempt 5");
        let mut empty = Pseudonyms::default();
        empty.replace(&mut json!({ "city": "" }));
        assert_eq!(empty.within("as it is"), "as it is");
    }
}
