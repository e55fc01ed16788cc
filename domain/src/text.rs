//! Texts that people type: trimmed, in Unicode NFC, without control characters, and no longer than their place allows.
//!
//! Nothing else is refused: scripts, emoji, joiners and direction marks (`Cf`) belong to how people write their names.

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// Too many characters (Unicode scalar values).
    #[error("has {length_chars} characters, at most {max_chars} are allowed")]
    TooLong {
        /// How many it has after trimming and NFC.
        length_chars: usize,
        /// How many are allowed.
        max_chars: usize,
    },
    /// A control character, such as U+0000 or a line break where none belongs.
    #[error("contains the control character U+{0:04X}")]
    Control(u32),
    /// Not an e-mail address.
    #[error("is not an e-mail address such as ada@example.com")]
    NotAnEmail,
    /// Not a two-letter country code.
    #[error("is not a two-letter country code such as GB")]
    NotACountry,
}

/// Trims, composes to NFC and checks length and control characters.
fn clean(text: &str, max_chars: usize, allow_lines: bool) -> Result<String, TextError> {
    let trimmed = text.trim();
    let composed: String = match is_nfc_quick(trimmed.chars()) {
        IsNormalized::Yes => trimmed.to_owned(),
        _ => trimmed.nfc().collect(),
    };
    if composed.is_empty() {
        return Err(TextError::Empty);
    }
    if let Some(control) = composed.chars().find(|c| c.is_control() && !(allow_lines && *c == '\n')) {
        return Err(TextError::Control(control.into()));
    }
    let length_chars = composed.chars().count();
    if length_chars > max_chars {
        return Err(TextError::TooLong { length_chars, max_chars });
    }
    Ok(composed)
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $max:literal, lines: $lines:literal, $privacy:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The longest allowed, in Unicode scalar values after trimming and NFC.
            pub const MAX_CHARS: usize = $max;

            /// Trims, composes and checks the text.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                clean(text, Self::MAX_CHARS, $lines).map(|text| Self(text.into()))
            }
        }

        as_text!($name, $privacy);
    };
}

/// Texts of which events are made.
macro_rules! stored_texts {
    ($($name:ident),+ $(,)?) => {$(
        impl $name {
            /// A text that was parsed before it was stored: later rules do not make history unreadable.
            pub(crate) fn stored(text: &str) -> Self {
                Self(text.into())
            }
        }
    )+};
}

/// The conversions of a text. A `personal` one keeps its content out of `{:?}`, and so out of logs and panics.
macro_rules! as_text {
    ($name:ident, $privacy:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(text: String) -> Result<Self, TextError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        debug_text!($name, $privacy);
    };
}

macro_rules! debug_text {
    ($name:ident, personal) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
    ($name:ident, public) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

text! {
    /// A first or last name.
    PersonName, 50, lines: false, personal
}
text! {
    /// Street and house number, or whatever a place uses instead.
    StreetAddress, 250, lines: false, personal
}
text! {
    /// A postal code.
    PostalCode, 20, lines: false, personal
}
text! {
    /// A city.
    City, 100, lines: false, personal
}
text! {
    /// A product's name.
    ProductName, 200, lines: false, public
}
text! {
    /// A product's description; line feeds are allowed.
    Description, 4000, lines: true, public
}
text! {
    /// A category's name.
    CategoryName, 100, lines: false, public
}
text! {
    /// The subject of an issue of the newsletter.
    IssueSubject, 200, lines: false, public
}
text! {
    /// The text of an issue of the newsletter; line feeds are allowed.
    IssueText, 10000, lines: true, public
}
text! {
    /// What a payment is known by where it was made: a transaction id, a receipt number.
    PaymentReference, 100, lines: false, public
}
text! {
    /// What customer and staff write to each other about an order; line feeds are allowed. No part of history.
    MessageText, 1000, lines: true, personal
}

stored_texts![
    PersonName,
    StreetAddress,
    PostalCode,
    City,
    ProductName,
    Description,
    CategoryName,
    IssueSubject,
    IssueText,
    PaymentReference,
];

/// An e-mail address: `Local-part "@" Domain` of RFC 5321, internationalized as in RFC 6531.
///
/// Narrower than what lettre's `Address` takes, so that whatever is accepted here can be handed to it:
/// - no display name, no address literal (`[192.0.2.1]`), no bare host (`ada@localhost`);
/// - a domain's labels are letters, digits and inner hyphens, and the last one is not all digits (RFC 3696);
/// - at most 64 octets before the `@`, 254 in all: what SMTP can carry, counted in UTF-8.
///
/// Letters beyond ASCII are accepted on both sides of the `@`: such customers exist. Writing to them takes a mail
/// server that offers SMTPUTF8. Case is kept: only the receiving host knows whether it matters before the `@`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(Arc<str>);

impl Email {
    /// The longest that SMTP can carry (RFC 5321: a path of 256 octets, less its angle brackets).
    pub const MAX_CHARS: usize = 254;

    /// Parses an address; the spelling is kept, but for trimming and NFC.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = clean(text, Self::MAX_CHARS, false)?;
        let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
        let address = EmailAddress::parse_with_options(&text, options).map_err(|_| TextError::NotAnEmail)?;
        if text.len() > Self::MAX_CHARS || !is_host_name(address.domain()) {
            return Err(TextError::NotAnEmail);
        }
        Ok(Self(text.into()))
    }

    /// An address that was parsed before it was stored.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The form in which addresses are compared and searched: lower case throughout.
    pub fn search_key(&self) -> String {
        self.0.to_lowercase()
    }
}
as_text!(Email, personal);

/// Whether a mail domain can be a host's name. `EmailAddress` lets pass what RFC 5322 allows in a header
/// (`a!b.example`).
fn is_host_name(domain: &str) -> bool {
    let is_letter_digit_hyphen = |c: char| c.is_alphanumeric() || c == '-';
    let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    domain.split('.').all(|label| label.chars().all(is_letter_digit_hyphen))
        && domain.rsplit('.').next().is_some_and(|last| !is_number(last))
}

/// An ISO 3166-1 alpha-2 country code's form: two upper-case letters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country(Arc<str>);

impl Country {
    /// Parses two ASCII letters, in either case.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
            Ok(Self(text.to_ascii_uppercase().into()))
        } else {
            Err(TextError::NotACountry)
        }
    }

    /// A code that was parsed before it was stored.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.into())
    }
}
as_text!(Country, public);
