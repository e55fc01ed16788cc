//! Which scope allows what. A handler's signature names its permission: `Allowed<PlaceOrders>`.
//!
//! | permission | scopes |
//! |---|---|
//! | [`PlaceOrders`]: place orders, add items | `orders:write`, `staff` |
//! | [`UseCarts`]: carts of one's own making | `orders:write`, `staff` |
//! | [`RecordPayments`] | `staff` |
//! | [`WriteToCustomers`]: what is written about an order, and answers | `staff` |
//! | [`ReadOrders`]: one order, lists, search | `orders:read`, `staff` |
//! | [`ReadTotals`] | `orders:read`, `staff`, `analyst` |
//! | [`ReadProducts`]: products and categories | any valid key |
//! | [`ReadProductHistory`]: what happened to a product, and who did it | `staff`, `analyst` |
//! | [`WriteProducts`]: products and categories | `staff` |
//! | [`WriteNewsletters`]: write and release issues of the newsletter | `staff` |
//! | [`ReadEvents`]: the whole history, personal data included | `analyst` |
//! | [`RunSystem`]: the schedule, and what else runs the system | `operator` |
//!
//! `operator` allows nothing else: it is for running the system.

use super::Scope;

/// Something that a key may or may not do.
pub trait Permission: Send + Sync + 'static {
    /// Any of these scopes allows it.
    const SCOPES: &'static [Scope];
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $scopes:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Permission for $name {
            const SCOPES: &'static [Scope] = $scopes;
        }
    )+};
}

permissions! {
    /// Placing orders and adding items to them.
    PlaceOrders = &[Scope::OrdersWrite, Scope::Staff];
    /// Making carts, and changing them.
    UseCarts = &[Scope::OrdersWrite, Scope::Staff];
    /// Writing down payments made elsewhere.
    RecordPayments = &[Scope::Staff];
    /// Reading what customers write about their orders, and answering.
    WriteToCustomers = &[Scope::Staff];
    /// Reading orders.
    ReadOrders = &[Scope::OrdersRead, Scope::Staff];
    /// Reading totals.
    ReadTotals = &[Scope::OrdersRead, Scope::Staff, Scope::Analyst];
    /// Reading the catalogue.
    ReadProducts = &Scope::ALL;
    /// Reading what happened to a product, and who did it.
    ReadProductHistory = &[Scope::Staff, Scope::Analyst];
    /// Changing the catalogue.
    WriteProducts = &[Scope::Staff];
    /// Writing and releasing issues of the newsletter.
    WriteNewsletters = &[Scope::Staff];
    /// Reading the history.
    ReadEvents = &[Scope::Analyst];
    /// Looking at what runs the system.
    RunSystem = &[Scope::Operator];
}
