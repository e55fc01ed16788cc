//! Which scope allows what. A handler's signature names its permission: `Allowed<PlaceOrders>`.
//!
//! | permission | scopes | with a member's key |
//! |---|---|---|
//! | [`PlaceOrders`]: place orders, add items | `orders:write`, `staff` | `orders:write` |
//! | [`UseCarts`]: carts of one's own making | `orders:write`, `staff` | `orders:write` |
//! | [`RecordPayments`] | `staff` | |
//! | [`ReadMessages`]: what is written about an order | `staff` | `orders:read` |
//! | [`WriteMessages`]: to the other side, about an order | `staff` | `orders:write` |
//! | [`ReadOrders`]: one order, lists, search | `orders:read`, `staff` | `orders:read` |
//! | [`ReadTotals`] | `orders:read`, `staff`, `analyst` | |
//! | [`ReadProducts`]: products and categories | any valid key | any |
//! | [`WriteProducts`]: products and categories | `staff` | |
//! | [`WriteNewsletters`]: write and release issues of the newsletter | `staff` | |
//! | [`ReadEvents`]: the whole history, personal data included | `analyst` | |
//! | [`RunSystem`]: the schedule, and what else runs the system | `operator` | |
//!
//! `operator` allows nothing else: it is for running the system. What stands in the last column reaches the member's own orders and
//! cart alone, see `docs/decisions/0024-member-keys.md`.

use super::Scope;

/// Something that a key may or may not do.
pub trait Permission: Send + Sync + 'static {
    /// Any of these scopes allows it to a key that is bound to nobody.
    const SCOPES: &'static [Scope];
    /// Any of these allows it to a key that is bound to a member; none where it reaches beyond one member's orders.
    const OF_MEMBERS: &'static [Scope];
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $scopes:expr, of members $of_members:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Permission for $name {
            const SCOPES: &'static [Scope] = $scopes;
            const OF_MEMBERS: &'static [Scope] = $of_members;
        }
    )+};
}

permissions! {
    /// Placing orders and adding items to them.
    PlaceOrders = &[Scope::OrdersWrite, Scope::Staff], of members &[Scope::OrdersWrite];
    /// Making carts, and changing them.
    UseCarts = &[Scope::OrdersWrite, Scope::Staff], of members &[Scope::OrdersWrite];
    /// Writing down payments made elsewhere.
    RecordPayments = &[Scope::Staff], of members &[];
    /// Reading what customers and staff write to each other about an order.
    ReadMessages = &[Scope::Staff], of members &[Scope::OrdersRead];
    /// Writing to the other side about an order.
    WriteMessages = &[Scope::Staff], of members &[Scope::OrdersWrite];
    /// Reading orders.
    ReadOrders = &[Scope::OrdersRead, Scope::Staff], of members &[Scope::OrdersRead];
    /// Reading totals, which are the shop's.
    ReadTotals = &[Scope::OrdersRead, Scope::Staff, Scope::Analyst], of members &[];
    /// Reading the catalogue.
    ReadProducts = &Scope::ALL, of members &Scope::ALL;
    /// Changing the catalogue.
    WriteProducts = &[Scope::Staff], of members &[];
    /// Writing and releasing issues of the newsletter.
    WriteNewsletters = &[Scope::Staff], of members &[];
    /// Reading the history.
    ReadEvents = &[Scope::Analyst], of members &[];
    /// Looking at what runs the system.
    RunSystem = &[Scope::Operator], of members &[];
}
