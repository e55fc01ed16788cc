//! What there is behind the counter: the parts that the navigation leads to.

use crate::auth::Permission;
use crate::auth::permission::{
    LogIn, ManageStaff, ReadMembers, ReadOrders, ReadTotals, RunSystem, WriteNewsletters, WriteProducts,
};
use commands::staff::Role;

/// A part of the staff pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Dashboard,
    Orders,
    Products,
    Categories,
    Members,
    Newsletters,
    Analytics,
    Schedule,
    Console,
    Staff,
}

impl Section {
    /// All, in the order in which they are shown.
    pub(crate) const ALL: [Self; 10] = [
        Self::Dashboard,
        Self::Orders,
        Self::Products,
        Self::Categories,
        Self::Members,
        Self::Newsletters,
        Self::Analytics,
        Self::Schedule,
        Self::Console,
        Self::Staff,
    ];

    /// Its first page.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Dashboard => "/admin/",
            Self::Orders => "/admin/orders/",
            Self::Products => "/admin/products/",
            Self::Categories => "/admin/categories/",
            Self::Members => "/admin/members/",
            Self::Newsletters => "/admin/newsletters/",
            Self::Analytics => "/analytics/",
            Self::Schedule => "/admin/schedule/",
            Self::Console => "/ops/",
            Self::Staff => "/admin/staff/",
        }
    }

    /// The text that it is called by.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Dashboard => "staff-nav-dashboard",
            Self::Orders => "staff-nav-orders",
            Self::Products => "staff-nav-products",
            Self::Categories => "staff-nav-categories",
            Self::Members => "staff-nav-members",
            Self::Newsletters => "staff-nav-newsletters",
            Self::Analytics => "staff-nav-analytics",
            Self::Schedule => "staff-nav-schedule",
            Self::Console => "staff-nav-console",
            Self::Staff => "staff-nav-staff",
        }
    }

    /// Whether it is shown to this role.
    pub(crate) fn is_for(self, role: Role) -> bool {
        let roles = match self {
            Self::Dashboard => LogIn::ROLES,
            Self::Orders => ReadOrders::ROLES,
            Self::Products | Self::Categories => WriteProducts::ROLES,
            Self::Members => ReadMembers::ROLES,
            Self::Newsletters => WriteNewsletters::ROLES,
            Self::Analytics => ReadTotals::ROLES,
            Self::Schedule | Self::Console => RunSystem::ROLES,
            Self::Staff => ManageStaff::ROLES,
        };
        roles.contains(&role)
    }
}
