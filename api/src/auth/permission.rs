//! Who may do what: which scopes of an API key, and which roles of staff. One table for both, so that a page allows
//! what the API allows. A handler's signature names its permission: `Allowed<PlaceOrders>` for a key,
//! `StaffVisit<PlaceOrders>` for a page.
//!
//! | permission | scopes | with a member's key | roles |
//! |---|---|---|---|
//! | [`PlaceOrders`]: place orders, add items | `orders:write`, `staff` | `orders:write` | all |
//! | [`UseCarts`]: carts of one's own making | `orders:write`, `staff` | `orders:write` | all |
//! | [`RecordPayments`] | `staff` | | owner, manager |
//! | [`CorrectOrders`]: a mistyped address | `staff` | | all |
//! | [`ReadMessages`]: what is written about an order | `staff` | `orders:read` | all |
//! | [`WriteMessages`]: to the other side, about an order | `staff` | `orders:write` | all |
//! | [`ReadOrders`]: one order, lists, search | `orders:read`, `staff` | `orders:read` | all |
//! | [`ReadTotals`] | `orders:read`, `staff`, `analyst` | | owner, manager |
//! | [`ReadProducts`]: products and categories | any valid key | any | all |
//! | [`ReadProductHistory`]: what happened to a product, and who did it | `staff`, `analyst` | | owner, manager |
//! | [`WriteProducts`]: products and categories | `staff` | | owner, manager |
//! | [`WriteNewsletters`]: write and release issues of the newsletter | `staff` | | owner, manager |
//! | [`ReadMembers`]: the accounts of customers | none | | owner, manager |
//! | [`WriteMembers`]: what staff do to them | none | | owner, manager |
//! | [`ReadEvents`]: the whole history, personal data included | `analyst` | | owner, manager |
//! | [`RunSystem`]: the schedule, and what else runs the system | `operator` | | owner, manager |
//! | [`ManageStaff`]: the accounts of staff | none | | owner |
//! | [`LogIn`]: what everybody behind the counter sees | none | | all |
//!
//! `operator` allows nothing else: it is for running the system. What runs it shows an event's payload, and the values
//! of rows, only to whoever has [`ReadEvents`] besides. What a member's key may (third column) reaches the member's own
//! orders and cart alone, see `docs/decisions/0024-member-keys.md`.

use super::Scope;
use commands::staff::Role;

/// Something that a key, or a member of staff, may or may not do.
pub trait Permission: Send + Sync + 'static {
    /// Any of these scopes allows it to a key that is bound to nobody.
    const SCOPES: &'static [Scope];
    /// Any of these allows it to a key that is bound to a member; none where it reaches beyond one member's orders.
    const OF_MEMBERS: &'static [Scope];
    /// Each of these roles allows it.
    const ROLES: &'static [Role];
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $scopes:expr, of members $of_members:expr, $roles:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Permission for $name {
            const SCOPES: &'static [Scope] = $scopes;
            const OF_MEMBERS: &'static [Scope] = $of_members;
            const ROLES: &'static [Role] = $roles;
        }
    )+};
}

const ALL: &[Role] = &Role::ALL;
const MANAGERS: &[Role] = &[Role::Owner, Role::Manager];
const OWNERS: &[Role] = &[Role::Owner];

permissions! {
    /// Placing orders and adding items to them.
    PlaceOrders = &[Scope::OrdersWrite, Scope::Staff], of members &[Scope::OrdersWrite], ALL;
    /// Making carts, and changing them.
    UseCarts = &[Scope::OrdersWrite, Scope::Staff], of members &[Scope::OrdersWrite], ALL;
    /// Writing down payments made elsewhere.
    RecordPayments = &[Scope::Staff], of members &[], MANAGERS;
    /// Correcting what was mistyped in an order.
    CorrectOrders = &[Scope::Staff], of members &[], ALL;
    /// Reading what customers and staff write to each other about an order.
    ReadMessages = &[Scope::Staff], of members &[Scope::OrdersRead], ALL;
    /// Writing to the other side about an order.
    WriteMessages = &[Scope::Staff], of members &[Scope::OrdersWrite], ALL;
    /// Reading orders.
    ReadOrders = &[Scope::OrdersRead, Scope::Staff], of members &[Scope::OrdersRead], ALL;
    /// Reading totals, which are the shop's.
    ReadTotals = &[Scope::OrdersRead, Scope::Staff, Scope::Analyst], of members &[], MANAGERS;
    /// Reading the catalogue.
    ReadProducts = &Scope::ALL, of members &Scope::ALL, ALL;
    /// Reading what happened to a product, and who did it.
    ReadProductHistory = &[Scope::Staff, Scope::Analyst], of members &[], MANAGERS;
    /// Changing the catalogue.
    WriteProducts = &[Scope::Staff], of members &[], MANAGERS;
    /// Writing and releasing issues of the newsletter.
    WriteNewsletters = &[Scope::Staff], of members &[], MANAGERS;
    /// Reading the accounts of customers.
    ReadMembers = &[], of members &[], MANAGERS;
    /// Acting on the accounts of customers.
    WriteMembers = &[], of members &[], MANAGERS;
    /// Reading the history.
    ReadEvents = &[Scope::Analyst], of members &[], MANAGERS;
    /// Looking at what runs the system, and acting on it: builds, consumers, what is parked, jobs.
    RunSystem = &[Scope::Operator], of members &[], MANAGERS;
    /// Letting staff in, and keeping them out.
    ManageStaff = &[], of members &[], OWNERS;
    /// Being logged in behind the counter.
    LogIn = &[], of members &[], ALL;
}
