//! What a customer types: read once into the domain's types, and kept as it was typed where that fails.

use super::super::{Page, Posted};
use commands::members::Member;
use domain::ids::SubjectId;
use domain::order::{Customer, ShippingAddress};
use domain::text::{City, Email, PersonName, PostalCode, StreetAddress, TextError};
use uuid::Uuid;

/// More than any field holds: what stands behind is not shown again.
const MAX_KEPT_CHARS: usize = 1_000;

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    FirstName,
    LastName,
    Email,
    Address,
    PostalCode,
    City,
}

impl Field {
    const PERSON: [Self; 3] = [Self::FirstName, Self::LastName, Self::Email];
    const PLACE: [Self; 3] = [Self::Address, Self::PostalCode, Self::City];

    const fn name(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Email => "email",
            Self::Address => "address",
            Self::PostalCode => "postal_code",
            Self::City => "city",
        }
    }

    /// The text that it is called by.
    const fn label(self) -> &'static str {
        match self {
            Self::FirstName => "checkout-first-name",
            Self::LastName => "checkout-last-name",
            Self::Email => "checkout-email",
            Self::Address => "checkout-address",
            Self::PostalCode => "checkout-postal-code",
            Self::City => "checkout-city",
        }
    }

    /// What browsers fill in (HTML, section 4.10.18.7).
    const fn autocomplete(self) -> &'static str {
        match self {
            Self::FirstName => "given-name",
            Self::LastName => "family-name",
            Self::Email => "email",
            Self::Address => "street-address",
            Self::PostalCode => "postal-code",
            Self::City => "address-level2",
        }
    }

    const fn max_chars(self) -> usize {
        match self {
            Self::FirstName | Self::LastName => PersonName::MAX_CHARS,
            Self::Email => Email::MAX_CHARS,
            Self::Address => StreetAddress::MAX_CHARS,
            Self::PostalCode => PostalCode::MAX_CHARS,
            Self::City => City::MAX_CHARS,
        }
    }
}

/// The form as it was sent.
#[derive(Default)]
pub(super) struct Form {
    typed: Vec<(Field, String)>,
    wrong: Vec<(Field, TextError)>,
}

/// A field as it is shown.
pub(super) struct ShownField {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) kind: &'static str,
    pub(super) autocomplete: &'static str,
    pub(super) max_chars: usize,
    pub(super) value: String,
    /// What is wrong and what to do.
    pub(super) error: Option<String>,
    /// Whether it is the first that is wrong: there the work goes on.
    pub(super) focus: bool,
}

impl Form {
    /// Takes what was typed.
    pub(super) fn of(posted: &Posted) -> Self {
        let fields = Field::PERSON.into_iter().chain(Field::PLACE);
        let typed = fields.map(|field| (field, posted.get(field.name()).unwrap_or_default().to_owned()));
        Self { typed: typed.collect(), wrong: Vec::new() }
    }

    /// What is known of a member, to begin with.
    pub(super) fn of_member(member: &Member) -> Self {
        let mut typed = vec![
            (Field::FirstName, member.first_name.to_string()),
            (Field::LastName, member.last_name.to_string()),
            (Field::Email, member.email.to_string()),
        ];
        if let Some(place) = &member.address {
            typed.extend([
                (Field::Address, place.address.to_string()),
                (Field::PostalCode, place.postal_code.to_string()),
                (Field::City, place.city.to_string()),
            ]);
        }
        Self { typed, wrong: Vec::new() }
    }

    /// The customer, with an address if one is needed; `None` where something is wrong, all of which is noted.
    pub(super) fn customer(&mut self, needs_address: bool) -> Option<Customer> {
        let first_name = self.read(Field::FirstName, PersonName::parse);
        let last_name = self.read(Field::LastName, PersonName::parse);
        let email = self.read(Field::Email, Email::parse);
        let shipping_address = if needs_address { Some(self.address()) } else { None };
        Some(Customer {
            // A guest: the personal data is a subject of its own.
            subject_id: SubjectId(Uuid::now_v7()),
            first_name: first_name?,
            last_name: last_name?,
            email: email?,
            shipping_address: match shipping_address {
                None => None,
                Some(address) => Some(address?),
            },
        })
    }

    fn address(&mut self) -> Option<ShippingAddress> {
        let address = self.read(Field::Address, StreetAddress::parse);
        let postal_code = self.read(Field::PostalCode, PostalCode::parse);
        let city = self.read(Field::City, City::parse);
        Some(ShippingAddress { address: address?, postal_code: postal_code?, city: city?, country: None })
    }

    fn read<T>(&mut self, field: Field, parse: impl FnOnce(&str) -> Result<T, TextError>) -> Option<T> {
        match parse(self.typed(field)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong.push((field, error));
                None
            }
        }
    }

    fn typed(&self, field: Field) -> &str {
        self.typed.iter().find(|(typed, _)| *typed == field).map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    /// Whether something was found wrong.
    pub(super) fn has_faults(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// The fields of whom it is for.
    pub(super) fn person(&self, page: &Page) -> Vec<ShownField> {
        Field::PERSON.map(|field| self.shown(field, page)).into()
    }

    /// The fields of where it goes.
    pub(super) fn place(&self, page: &Page) -> Vec<ShownField> {
        Field::PLACE.map(|field| self.shown(field, page)).into()
    }

    fn shown(&self, field: Field, page: &Page) -> ShownField {
        let wrong = self.wrong.iter().find(|(wrong, _)| *wrong == field).map(|(_, error)| error);
        ShownField {
            name: field.name(),
            label: page.t(field.label()),
            kind: if field == Field::Email { "email" } else { "text" },
            autocomplete: field.autocomplete(),
            max_chars: field.max_chars(),
            value: self.typed(field).chars().take(MAX_KEPT_CHARS).collect(),
            error: wrong.map(|error| words(error, page)),
            focus: self.wrong.first().is_some_and(|(first, _)| *first == field),
        }
    }
}

fn words(error: &TextError, page: &Page) -> String {
    match error {
        TextError::Empty => page.t("checkout-empty"),
        TextError::TooLong { max_chars, .. } => page.t1("checkout-too-long", "most", *max_chars),
        TextError::Control(_) => page.t("checkout-control"),
        TextError::NotAnEmail | TextError::NotACountry => page.t("checkout-not-an-email"),
    }
}
