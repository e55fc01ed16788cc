//! What is typed on the pages of accounts: read once into the domain's types, and kept as it was typed where that
//! fails.

use super::super::{Page, Posted};
use commands::members::Member;
use commands::members::passwords::{NotAPassword, Password};
use domain::order::ShippingAddress;
use domain::text::{City, Email, PersonName, PostalCode, StreetAddress, TextError};

/// More than any field holds: what stands behind is not shown again.
const MAX_KEPT_CHARS: usize = 1_000;

/// A field of the forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    FirstName,
    LastName,
    Email,
    /// The password that one has.
    Password,
    /// One that is set.
    NewPassword,
    Address,
    PostalCode,
    City,
    /// Whether who logs in stays so when the browser is closed: a box that is ticked or not.
    Stay,
}

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Email => "email",
            Self::Password => "password",
            Self::NewPassword => "new_password",
            Self::Address => "address",
            Self::PostalCode => "postal_code",
            Self::City => "city",
            Self::Stay => "stay",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::FirstName => "members-first-name",
            Self::LastName => "members-last-name",
            Self::Email => "members-email",
            Self::Password => "members-password",
            Self::NewPassword => "members-new-password",
            Self::Address => "members-address",
            Self::PostalCode => "members-postal-code",
            Self::City => "members-city",
            Self::Stay => "members-stay",
        }
    }

    /// What browsers fill in (HTML, section 4.10.18.7).
    const fn autocomplete(self) -> &'static str {
        match self {
            Self::FirstName => "given-name",
            Self::LastName => "family-name",
            Self::Email => "email",
            Self::Password => "current-password",
            Self::NewPassword => "new-password",
            Self::Address => "street-address",
            Self::PostalCode => "postal-code",
            Self::City => "address-level2",
            Self::Stay => "off",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Password | Self::NewPassword => "password",
            Self::Stay => "checkbox",
            _ => "text",
        }
    }

    const fn is_secret(self) -> bool {
        matches!(self, Self::Password | Self::NewPassword)
    }

    /// An address is given whole or not at all, and a box may be left empty.
    const fn is_optional(self) -> bool {
        matches!(self, Self::Address | Self::PostalCode | Self::City | Self::Stay)
    }

    const fn max_chars(self) -> usize {
        match self {
            Self::FirstName | Self::LastName => PersonName::MAX_CHARS,
            Self::Email => Email::MAX_CHARS,
            Self::Password | Self::NewPassword => Password::MAX_CHARS,
            Self::Address => StreetAddress::MAX_CHARS,
            Self::PostalCode => PostalCode::MAX_CHARS,
            Self::City => City::MAX_CHARS,
            // What browsers send of a box that is ticked.
            Self::Stay => "on".len(),
        }
    }
}

/// Why what was typed is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wrong {
    Text(TextError),
    Password(NotAPassword),
}

/// A form with these fields, as it was sent.
pub(super) struct Form {
    typed: Vec<(Field, String)>,
    wrong: Vec<(Field, Wrong)>,
}

/// A field as it is shown.
pub(super) struct ShownField {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) kind: &'static str,
    pub(super) autocomplete: &'static str,
    pub(super) max_chars: usize,
    pub(super) value: String,
    /// Whether it must be filled in.
    pub(super) required: bool,
    /// What is wrong and what to do.
    pub(super) error: Option<String>,
    /// Whether it is the first that is wrong: there the work goes on.
    pub(super) focus: bool,
}

impl Form {
    /// A form that nothing was typed into.
    pub(super) fn empty(fields: &[Field]) -> Self {
        Self { typed: fields.iter().map(|field| (*field, String::new())).collect(), wrong: Vec::new() }
    }

    /// What was typed into these fields.
    pub(super) fn of(fields: &[Field], posted: &Posted) -> Self {
        let typed = fields.iter().map(|field| (*field, posted.get(field.name()).unwrap_or_default().to_owned()));
        Self { typed: typed.collect(), wrong: Vec::new() }
    }

    /// What is known of a member, to be changed.
    pub(super) fn of_member(member: &Member) -> Self {
        let place = member.address.as_ref();
        let typed = vec![
            (Field::FirstName, member.first_name.to_string()),
            (Field::LastName, member.last_name.to_string()),
            (Field::Address, place.map(|place| place.address.to_string()).unwrap_or_default()),
            (Field::PostalCode, place.map(|place| place.postal_code.to_string()).unwrap_or_default()),
            (Field::City, place.map(|place| place.city.to_string()).unwrap_or_default()),
        ];
        Self { typed, wrong: Vec::new() }
    }

    pub(super) fn typed(&self, field: Field) -> &str {
        self.typed.iter().find(|(typed, _)| *typed == field).map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    /// A text as `parse` reads it; `None`, and noted, where it is refused.
    pub(super) fn read<T>(&mut self, field: Field, parse: impl FnOnce(&str) -> Result<T, TextError>) -> Option<T> {
        parse(self.typed(field)).map_err(|error| self.wrong.push((field, Wrong::Text(error)))).ok()
    }

    /// A password that is to be set.
    pub(super) fn new_password(&mut self) -> Option<Password> {
        let parsed = Password::parse(self.typed(Field::NewPassword));
        parsed.map_err(|error| self.wrong.push((Field::NewPassword, Wrong::Password(error)))).ok()
    }

    /// A password that is tried.
    pub(super) fn password(&self) -> Password {
        Password::tried(self.typed(Field::Password))
    }

    /// An address, or none where nothing of it was typed.
    pub(super) fn address(&mut self) -> Option<Option<ShippingAddress>> {
        let place = [Field::Address, Field::PostalCode, Field::City];
        if place.iter().all(|field| self.typed(*field).trim().is_empty()) {
            return Some(None);
        }
        let address = self.read(Field::Address, StreetAddress::parse);
        let postal_code = self.read(Field::PostalCode, PostalCode::parse);
        let city = self.read(Field::City, City::parse);
        Some(Some(ShippingAddress { address: address?, postal_code: postal_code?, city: city?, country: None }))
    }

    /// The fields as they are shown; a password is never shown again.
    pub(super) fn shown(&self, page: &Page) -> Vec<ShownField> {
        let first = self.typed.iter().find(|(field, _)| self.wrong.iter().any(|(wrong, _)| wrong == field));
        let shown = |(field, text): &(Field, String)| ShownField {
            name: field.name(),
            label: page.t(field.label()),
            kind: field.kind(),
            autocomplete: field.autocomplete(),
            max_chars: field.max_chars(),
            value: if field.is_secret() { String::new() } else { text.chars().take(MAX_KEPT_CHARS).collect() },
            required: !field.is_optional(),
            error: self.wrong.iter().find(|(wrong, _)| wrong == field).map(|(_, wrong)| words(wrong, page)),
            focus: first.is_some_and(|(first, _)| first == field),
        };
        self.typed.iter().map(shown).collect()
    }
}

fn words(wrong: &Wrong, page: &Page) -> String {
    match wrong {
        Wrong::Text(TextError::Empty) => page.t("members-empty"),
        Wrong::Text(TextError::TooLong { max_chars, .. }) => page.t1("members-too-long", "most", *max_chars),
        Wrong::Text(TextError::Control(_)) => page.t("members-control"),
        Wrong::Text(TextError::NotAnEmail | TextError::NotACountry) => page.t("members-not-an-email"),
        Wrong::Password(NotAPassword::TooShort) => page.t1("members-password-short", "fewest", Password::MIN_CHARS),
        Wrong::Password(NotAPassword::TooLong) => page.t1("members-too-long", "most", Password::MAX_CHARS),
    }
}
