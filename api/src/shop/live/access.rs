//! Who may see an order and what is written about it: whoever may see its page.

use super::super::{Fault, Visit};
use super::hub::Badge;
use crate::http::App;
use crate::problem::Problem;
use domain::ids::OrderId;
use std::borrow::Cow;

/// Who asks for the order of a path, with the key of its page: a signature of ours, which a guest was given. A foreign order is
/// told from none by nothing.
pub(super) async fn of(app: &App, visit: &Visit, id: &str, query: Option<&str>) -> Result<(OrderId, Badge), Fault> {
    let order: OrderId = id.parse().map_err(|_| Fault::NotFound)?;
    let key = parameter(query, "key").ok_or(Fault::NotFound)?;
    if !app.link_key().await.map_err(Problem::from)?.verify(order, &key) {
        return Err(Fault::NotFound);
    }
    let session = visit.session.get().await?.map(|session| session.id);
    Ok((order, Badge { order: Some(order), session, ..Badge::default() }))
}

/// A parameter of a query; the first of its name.
pub(super) fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<Cow<'q, str>> {
    let mut parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    parameters.find(|(parameter, _)| parameter == name).map(|(_, value)| value)
}
