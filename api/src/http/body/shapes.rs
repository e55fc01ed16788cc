//! The domain's values as JSON Schema.

use super::schema::Shaped;
use chrono::{DateTime, Utc};
use domain::money::Currency;
use domain::product::PictureName;
use domain::text::{
    CategoryName, City, Country, Description, Email, IssueSubject, IssueText, MessageText, PaymentReference,
    PersonName, PostalCode, ProductName, StreetAddress,
};
use domain::{Language, Money, Quantity, Sku, Slug};
use serde_json::{Value, json};

/// Texts that people type: something but white space, and no longer than their place allows.
macro_rules! typed {
    ($($text:ty),+ $(,)?) => {$(
        impl Shaped for $text {
            fn shape() -> Value {
                json!({ "type": "string", "minLength": 1, "maxLength": <$text>::MAX_CHARS, "pattern": "\\S" })
            }
        }
    )+};
}

typed![
    CategoryName,
    City,
    Description,
    IssueSubject,
    IssueText,
    MessageText,
    PaymentReference,
    PersonName,
    PostalCode,
    ProductName,
    StreetAddress,
];

macro_rules! shaped {
    ($($value:ty = $shape:tt;)+) => {$(
        impl Shaped for $value {
            fn shape() -> Value {
                json!($shape)
            }
        }
    )+};
}

shaped! {
    Email = { "type": "string", "format": "email", "maxLength": (Email::MAX_CHARS) };
    Country = {
        "type": "string", "pattern": "^[A-Za-z]{2}$",
        "description": "The code of a country (ISO 3166-1 alpha-2), in either case."
    };
    Sku = {
        "type": "string", "pattern": "^(?!\\.{1,2}$)[A-Za-z0-9._-]+$", "minLength": 1, "maxLength": (Sku::MAX_CHARS),
        "description": "A product's stock keeping unit, neither `.` nor `..`."
    };
    Slug = {
        "type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", "minLength": 1, "maxLength": (Slug::MAX_CHARS)
    };
    Language = {
        "type": "string", "pattern": "^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$",
        "description": "A language identifier of Unicode (BCP 47), such as `ko` or `zh-Hant`."
    };
    PictureName = {
        "type": "string", "pattern": "^[a-z0-9-]+(\\.[a-z0-9-]+)*$", "minLength": 1,
        "maxLength": (PictureName::MAX_CHARS)
    };
    Currency = { "type": "string", "pattern": "^[A-Z]{3}$", "description": "An ISO 4217 currency." };
    Quantity = { "type": "integer", "minimum": 1, "maximum": (Quantity::MAX), "format": "int32" };
    DateTime<Utc> = { "type": "string", "format": "date-time" };
    Money = { "$ref": "#/components/schemas/Money" };
}
