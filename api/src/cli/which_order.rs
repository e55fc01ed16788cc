//! Which order a person means who names one.

use crate::order_name::{NoOrderName, OrderName};
use crate::roles::{Core, Failure};
use chrono_tz::Tz;
use domain::ids::OrderId;

/// Reads an order's name, as an argument.
pub(super) fn order(text: &str) -> Result<OrderName, NoOrderName> {
    text.parse()
}

/// The id of an order that is named.
pub(super) async fn id_of(core: &Core, name: OrderName) -> Result<OrderId, Failure> {
    // The list has no days, so whose they are is nothing to it.
    let views = core.views(projections::Settings { time_zone: Tz::UTC });
    let none = || match name {
        OrderName::Id(id) => Failure::new(format!("there is no order {id}")),
        OrderName::Number(number) => Failure::new(format!("no order of the list has the number {number}")),
    };
    name.id(&views).await?.ok_or_else(none)
}
