//! `GET /orders/{id}/live?key=…&after=…`: from a request to a socket. A program sends a member's API key as
//! `Authorization` instead of `key`.
//!
//! Whoever is not let in is told so by HTTP, before there is a socket: who may not see the order (404), another site's
//! page (403), one more than there is room for (429, 503).

use super::super::query::parameter;
use super::super::{Fault, Visit, origin};
use super::access;
use super::holder::Holder;
use super::hub::Full;
use super::socket::{self, MAX_FRAME_BYTES, Watcher};
use crate::app::App;
use crate::http::ConnectionPlace;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::response::Response;
use http::request::Parts;
use std::sync::Arc;

/// How many bytes of a socket's are read at once, and kept for it all the while: the default is made for downloads.
const READ_BUFFER_BYTES: usize = 4 << 10;
/// After how many seconds somebody may come again for whom there is no room.
const AGAIN_AFTER_S: u32 = 5;

/// A request to make a socket of its connection.
pub(super) struct Handshake {
    upgrade: WebSocketUpgrade,
    /// The connection counts among the open ones for as long as it is a socket.
    place: Option<ConnectionPlace>,
    /// Whether it comes from a page of ours. Browsers let pages of any site ask for a socket, with the visitor's
    /// cookies: nothing but the origin tells them apart.
    origin: Result<(), Fault>,
}

impl FromRequestParts<Arc<App>> for Handshake {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        let (place, origin) = (parts.extensions.get().cloned(), origin::check(&parts.headers, &app.frame));
        let upgrade = WebSocketUpgrade::from_request_parts(parts, app).await.map_err(|_| Fault::Invalid)?;
        Ok(Self { upgrade, place, origin })
    }
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
    holder: Option<Holder>,
    handshake: Result<Handshake, Fault>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let (order, badge) = match &holder {
        Some(holder) => holder.reaches(&app, &id).await?,
        None => access::of(&app, &visit, &id, query.as_deref()).await?,
    };
    let Handshake { upgrade, place, origin } = handshake?;
    // Of who shows a member's key no cookie counts.
    if holder.is_none() {
        origin?;
    }
    let after = parameter(query.as_deref(), "after").and_then(|after| after.parse().ok());
    let seat = app.live.hub().join(badge).map_err(|full| match full {
        Full::Process => Fault::Unavailable(AGAIN_AFTER_S),
        Full::Group(_) => Fault::TooMany(AGAIN_AFTER_S),
    })?;
    let watcher = Watcher { app, order, badge, holder, seat, after, place };
    let mut response = upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .max_message_size(MAX_FRAME_BYTES)
        .on_upgrade(move |socket| socket::serve(socket, watcher));
    visit.session.stamp(response.headers_mut());
    Ok(response)
}
