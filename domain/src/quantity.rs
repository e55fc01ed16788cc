//! How many of a product a line holds.

use serde::{Deserialize, Serialize};
use std::fmt;

/// From 1 to [`Quantity::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Quantity(u32);

/// The number is not from 1 to 9,999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a quantity is a whole number from 1 to 9999")]
pub struct QuantityError;

impl Quantity {
    /// The most that one line may hold, also after merging.
    pub const MAX: u32 = 9_999;

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }

    /// The sum, but at most [`Quantity::MAX`]: whoever must not lose the difference checks before.
    pub fn saturating_add(self, other: Self) -> Self {
        Self((self.0 + other.0).min(Self::MAX))
    }
}

impl TryFrom<u32> for Quantity {
    type Error = QuantityError;
    fn try_from(number: u32) -> Result<Self, QuantityError> {
        if (1..=Self::MAX).contains(&number) { Ok(Self(number)) } else { Err(QuantityError) }
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
