//! How the bytes of a request become what a handler works with: each body, list and header in one place of its own,
//! without HTTP or a database around it. The handlers read with the same functions; whoever tests the reading alone
//! finds it here.

pub use super::categories::add::category;
pub use super::categories::change::changes as category_changes;
pub use super::orders::list::filter as order_filter;
pub use super::orders::messages::message;
pub use super::orders::place::{Checkout, item};
pub use super::orders::record_payment::payment;
pub use super::orders::search::search;
pub use super::paging::{CursorKey, List, PageRequest};
pub use super::products::add::product;
pub use super::products::change::changes;
pub use super::reads::Wanted;
pub use super::totals::{By, by, day};
