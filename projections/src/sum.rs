//! What views count, before it is a row.

use domain::Money;
use rust_decimal::Decimal;

/// How many (orders, pieces, or payments) and how much, of one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) count: i64,
    pub(crate) revenue: Decimal,
}

impl Sum {
    /// `None` where it is too large to be held exactly.
    pub(crate) fn add(&mut self, count: u32, revenue: Money) -> Option<()> {
        self.count = self.count.checked_add(i64::from(count))?;
        self.revenue = self.revenue.checked_add(revenue.amount())?;
        Some(())
    }
}
