//! What is typed at the counter: what is ordered, for whom, and where it goes.

use super::super::fields::optional;
use crate::admin::form::Form;
use crate::admin::texts::text;
use crate::shop::Posted;
use chrono::{DateTime, Utc};
use commands::members::Member;
use commands::shop::carts::{Cart, CartLine};
use consumers::language::Lang;
use domain::ids::SubjectId;
use domain::order::{Customer, RequestedItem, ShippingAddress};
use domain::text::{City, Country, Email, PersonName, PostalCode, StreetAddress};
use domain::{Quantity, Sku};
use uuid::Uuid;

/// Lines that an empty form has, and that are added by its button.
const LINES: usize = 5;
/// The most lines of a form; one with more is placed by `/v1`.
pub(super) const MAX_LINES: usize = 40;

/// A line as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) sku: String,
    pub(super) quantity: String,
    /// What is wrong with it.
    pub(super) error: Option<String>,
    /// The product's name, and what the line costs; where that is known.
    pub(super) priced: Option<(String, String)>,
}

/// The form.
#[derive(Debug, Clone)]
pub(super) struct CounterForm {
    pub(super) form: Form,
    pub(super) lines: Vec<Line>,
    /// What makes two sendings of one form the same order.
    pub(super) key: Uuid,
    /// The member whose order it is, if it is one's.
    pub(super) member: Option<SubjectId>,
}

impl CounterForm {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self { form: fields(), lines: vec![Line::default(); LINES], key: Uuid::now_v7(), member: None }
    }

    /// For a member: what is known of them is filled in.
    pub(super) fn of_member(member: &Member) -> Self {
        let mut known = vec![
            ("first_name", member.first_name.to_string()),
            ("last_name", member.last_name.to_string()),
            ("email", member.email.to_string()),
            ("lang", member.lang.clone()),
        ];
        if let Some(place) = &member.address {
            known.extend([
                ("address", place.address.to_string()),
                ("postal_code", place.postal_code.to_string()),
                ("city", place.city.to_string()),
                ("country", place.country.as_ref().map(Country::to_string).unwrap_or_default()),
            ]);
        }
        let mut form = Self { member: Some(member.id), ..Self::new() };
        for (name, value) in known {
            if let Some(field) = form.form.fields.iter_mut().find(|field| field.name == name) {
                field.value = value;
            }
        }
        form
    }

    /// As it was sent; `None` for what no page of ours sends.
    pub(super) fn sent(posted: &Posted) -> Option<Self> {
        let mut form = fields();
        form.fill(posted);
        let quantities: Vec<&str> = posted.all("quantity").take(MAX_LINES).collect();
        let lines = posted.all("sku").take(MAX_LINES).enumerate().map(|(index, sku)| Line {
            sku: sku.trim().chars().take(Sku::MAX_CHARS + 1).collect(),
            quantity: quantities.get(index).map(|text| text.trim().chars().take(10).collect()).unwrap_or_default(),
            ..Line::default()
        });
        let member = match posted.get("member").unwrap_or_default() {
            "" => None,
            id => Some(SubjectId(id.parse().ok()?)),
        };
        Some(Self { form, lines: lines.collect(), key: posted.get("key")?.parse().ok()?, member })
    }

    /// With more lines to fill.
    pub(super) fn grow(&mut self) {
        let more = LINES.min(MAX_LINES.saturating_sub(self.lines.len()));
        self.lines.extend(vec![Line::default(); more]);
    }

    /// What is ordered, by the places of its lines; `None` where a line is wrong, which it says then. Empty lines are
    /// left out.
    pub(super) fn items(&mut self) -> Option<Vec<(usize, RequestedItem)>> {
        let mut items = Vec::new();
        let mut complete = true;
        for (index, line) in self.lines.iter_mut().enumerate() {
            if line.sku.is_empty() {
                continue;
            }
            let quantity = if line.quantity.is_empty() { "1" } else { line.quantity.as_str() };
            // What does not fit is as far out of range as zero is.
            let quantity = Quantity::try_from(quantity.parse::<u32>().unwrap_or(0));
            match (Sku::parse(&line.sku), quantity) {
                (Ok(sku), Ok(quantity)) => items.push((index, RequestedItem { sku, quantity })),
                (Err(error), _) => (line.error, complete) = (Some(error.to_string()), false),
                (_, Err(error)) => (line.error, complete) = (Some(error.to_string()), false),
            }
        }
        if items.is_empty() && complete {
            if let Some(first) = self.lines.first_mut() {
                first.error = Some(text("counter-nothing"));
            }
            complete = false;
        }
        complete.then_some(items)
    }

    /// For whom it is, with an address if one is needed; `guest` is whose personal data it is where it is no member's.
    /// `None` where something is wrong, which the form says then.
    pub(super) fn customer(&mut self, needs_address: bool, guest: SubjectId) -> Option<Customer> {
        let form = &mut self.form;
        let first_name = form.read("first_name", PersonName::parse);
        let last_name = form.read("last_name", PersonName::parse);
        let email = form.read("email", Email::parse);
        let place = ["address", "postal_code", "city"];
        let is_bare = place.iter().all(|name| form.value(name).trim().is_empty());
        let shipping_address = if is_bare && !needs_address { Some(None) } else { address(form).map(Some) };
        Some(Customer {
            subject_id: self.member.unwrap_or(guest),
            first_name: first_name?,
            last_name: last_name?,
            email: email?,
            shipping_address: shipping_address?,
        })
    }
}

fn address(form: &mut Form) -> Option<ShippingAddress> {
    let address = form.read("address", StreetAddress::parse);
    let postal_code = form.read("postal_code", PostalCode::parse);
    let city = form.read("city", City::parse);
    let country = optional(form, "country", Country::parse);
    Some(ShippingAddress { address: address?, postal_code: postal_code?, city: city?, country: country? })
}

fn fields() -> Form {
    let languages = Lang::ALL.map(|lang| (lang.tag().to_owned(), lang.own_name().to_owned())).into();
    Form::new()
        .text("first_name", text("counter-first-name"), PersonName::MAX_CHARS)
        .text("last_name", text("counter-last-name"), PersonName::MAX_CHARS)
        .email("email", text("counter-email"))
        .select("lang", text("counter-lang"), languages)
        .text("address", text("counter-address"), StreetAddress::MAX_CHARS)
        .optional()
        .hint(text("counter-address-hint"))
        .text("postal_code", text("counter-postal-code"), PostalCode::MAX_CHARS)
        .optional()
        .text("city", text("counter-city"), City::MAX_CHARS)
        .optional()
        .text("country", text("counter-country"), 2)
        .optional()
}

/// What is ordered as a cart, which knows its prices.
pub(super) fn cart(items: &[(usize, RequestedItem)], now: DateTime<Utc>) -> Cart {
    let line = |item: &RequestedItem| CartLine { sku: item.sku.clone(), quantity: item.quantity, added_at: now };
    Cart { content_id: Uuid::nil(), lines: items.iter().map(|(_, item)| line(item)).collect() }
}
