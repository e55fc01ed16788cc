//! Who may do what: which scopes of an API key, and which roles of staff. One table for both, so that a page allows what the API
//! allows. A handler's signature names its permission: `Allowed<PlaceOrders>` for a key, `StaffVisit<PlaceOrders>` for a page.
//!
//! | permission | scopes | roles |
//! |---|---|---|
//! | [`PlaceOrders`]: place orders, add items | `orders:write`, `staff` | all |
//! | [`UseCarts`]: carts of one's own making | `orders:write`, `staff` | all |
//! | [`RecordPayments`] | `staff` | owner, manager |
//! | [`CorrectOrders`]: a mistyped address | `staff` | all |
//! | [`WriteToCustomers`]: what is written about an order, and answers | `staff` | all |
//! | [`ReadOrders`]: one order, lists, search | `orders:read`, `staff` | all |
//! | [`ReadTotals`] | `orders:read`, `staff`, `analyst` | owner, manager |
//! | [`ReadProducts`]: products and categories | any valid key | all |
//! | [`ReadProductHistory`]: what happened to a product, and who did it | `staff`, `analyst` | owner, manager |
//! | [`WriteProducts`]: products and categories | `staff` | owner, manager |
//! | [`WriteNewsletters`]: write and release issues of the newsletter | `staff` | owner, manager |
//! | [`ReadMembers`]: the accounts of customers | none | owner, manager |
//! | [`WriteMembers`]: what staff do to them | none | owner, manager |
//! | [`ReadEvents`]: the whole history, personal data included | `analyst` | owner, manager |
//! | [`RunSystem`]: the schedule, and what else runs the system | `operator` | owner, manager |
//! | [`ManageStaff`]: the accounts of staff | none | owner |
//! | [`LogIn`]: what everybody behind the counter sees | none | all |
//!
//! `operator` allows nothing else: it is for running the system.

use super::Scope;
use commands::staff::Role;

/// Something that a key, or a member of staff, may or may not do.
pub trait Permission: Send + Sync + 'static {
    /// Any of these scopes allows it.
    const SCOPES: &'static [Scope];
    /// Each of these roles allows it.
    const ROLES: &'static [Role];
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $scopes:expr, $roles:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Permission for $name {
            const SCOPES: &'static [Scope] = $scopes;
            const ROLES: &'static [Role] = $roles;
        }
    )+};
}

const ALL: &[Role] = &Role::ALL;
const MANAGERS: &[Role] = &[Role::Owner, Role::Manager];
const OWNERS: &[Role] = &[Role::Owner];

permissions! {
    /// Placing orders and adding items to them.
    PlaceOrders = &[Scope::OrdersWrite, Scope::Staff], ALL;
    /// Making carts, and changing them.
    UseCarts = &[Scope::OrdersWrite, Scope::Staff], ALL;
    /// Writing down payments made elsewhere.
    RecordPayments = &[Scope::Staff], MANAGERS;
    /// Correcting what was mistyped in an order.
    CorrectOrders = &[Scope::Staff], ALL;
    /// Reading what customers write about their orders, and answering.
    WriteToCustomers = &[Scope::Staff], ALL;
    /// Reading orders.
    ReadOrders = &[Scope::OrdersRead, Scope::Staff], ALL;
    /// Reading totals.
    ReadTotals = &[Scope::OrdersRead, Scope::Staff, Scope::Analyst], MANAGERS;
    /// Reading the catalogue.
    ReadProducts = &Scope::ALL, ALL;
    /// Reading what happened to a product, and who did it.
    ReadProductHistory = &[Scope::Staff, Scope::Analyst], MANAGERS;
    /// Changing the catalogue.
    WriteProducts = &[Scope::Staff], MANAGERS;
    /// Writing and releasing issues of the newsletter.
    WriteNewsletters = &[Scope::Staff], MANAGERS;
    /// Reading the accounts of customers.
    ReadMembers = &[], MANAGERS;
    /// Acting on the accounts of customers.
    WriteMembers = &[], MANAGERS;
    /// Reading the history.
    ReadEvents = &[Scope::Analyst], MANAGERS;
    /// Looking at what runs the system.
    RunSystem = &[Scope::Operator], MANAGERS;
    /// Letting staff in, and keeping them out.
    ManageStaff = &[], OWNERS;
    /// Being logged in behind the counter.
    LogIn = &[], ALL;
}
