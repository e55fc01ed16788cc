//! The stable codes of values that the domain refuses to parse.

use domain::language::LanguageError;
use domain::money::MoneyError;
use domain::product::PictureNameError;
use domain::quantity::QuantityError;
use domain::sku::SkuError;
use domain::slug::SlugError;
use domain::text::TextError;

/// Why one value is refused: its `Display` is for people, its code for programs.
pub trait ValueError: std::fmt::Display {
    /// What programs tell it by.
    fn code(&self) -> &'static str;
}

impl ValueError for TextError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } => "too_long",
            Self::Control(_) => "control_character",
            Self::NotAnEmail => "invalid_email",
            Self::NotACountry => "invalid_country",
        }
    }
}

impl ValueError for SkuError {
    fn code(&self) -> &'static str {
        "invalid_sku"
    }
}

impl ValueError for SlugError {
    fn code(&self) -> &'static str {
        "invalid_slug"
    }
}

impl ValueError for LanguageError {
    fn code(&self) -> &'static str {
        "invalid_language"
    }
}

impl ValueError for PictureNameError {
    fn code(&self) -> &'static str {
        "invalid_picture"
    }
}

impl ValueError for QuantityError {
    fn code(&self) -> &'static str {
        "out_of_range"
    }
}

impl ValueError for MoneyError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownCurrency(_) => "unknown_currency",
            Self::NotADecimal => "invalid_amount",
            Self::TooPrecise { .. } => "too_precise",
            Self::Negative => "negative",
            Self::CurrencyMismatch { .. } => "other_currency",
            Self::Overflow => "too_large",
        }
    }
}
