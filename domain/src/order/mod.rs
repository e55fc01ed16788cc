//! The order aggregate: from a checkout's lines to a paid order.

mod decide;
mod event;
mod lines;
mod state;

pub use decide::{Command, ItemFault, ItemProblem, Place, Rejection, RequestedItem, decide};
pub use event::{
    EmailCorrected, ItemAdded, OrderEvent, OrderPaid, OrderPlaced, PaymentConflict, PaymentFlagged, PaymentRecorded,
};
pub use lines::{Line, LineError, MAX_LINES, merge_line};
pub use state::{Draft, Order, Placed, evolve};

use crate::ids::SubjectId;
use crate::text::{City, Country, Email, PersonName, PostalCode, StreetAddress};
use serde::{Deserialize, Serialize};

/// All personal data of an order, in one value that names whose it is, so that it can be sealed per subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Whose data this is: a member, or one made for this order.
    pub subject_id: SubjectId,
    /// Given name.
    pub first_name: PersonName,
    /// Family name.
    pub last_name: PersonName,
    /// Where mails about the order go.
    pub email: Email,
    /// Where the goods go; may be missing where nothing has to be sent.
    pub shipping_address: Option<ShippingAddress>,
}

/// Where the goods go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippingAddress {
    /// Street and number.
    pub address: StreetAddress,
    /// Postal code.
    pub postal_code: PostalCode,
    /// City.
    pub city: City,
    /// Country, where it was given.
    pub country: Option<Country>,
}
