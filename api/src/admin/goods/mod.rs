//! What the shop sells, to whom it writes, and what it does at a given time.

use crate::http::Routes;

/// The paths of these pages.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
}
