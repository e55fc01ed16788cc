//! What browsers are answered: pages, made on the server from compiled templates, which work without a script.
//!
//! A handler takes a [`Visit`] (who asks, in which language), reads the views, and shows a template whose field `page`
//! is the [`Page`] that all have in common. What goes wrong is a [`Fault`], a page of its own.
//!
//! - [`frame`]: what all pages of a process share. [`texts`]: what they say.
//! - [`assets`], [`media`]: the files that pages are made with, and pictures of products.
//! - [`security`]: what browsers are told to refuse.
//! - [`catalogue`]: the first page, lists, and products. [`cart`], [`checkout`]: from there to an order.
//! - [`order_page`]: where an order's page is, and who may see it.
//! - [`shelves`], [`kept`]: what pages read of the catalogue, kept while it holds.
//! - [`payment`]: from an order to a payment provider's page, and back.
//! - [`live`]: orders as they change, by WebSocket.
//! - [`members`]: accounts, and the newsletter.
//! - [`session`]: what goes on over several requests. [`origin`], [`posted`]: forms, and whether they are ours.
//!   [`query`]: what stands in addresses.

mod assets;
pub(crate) mod basket;
mod cart;
mod catalogue;
mod checkout;
pub mod cookies;
mod fault;
mod frame;
mod kept;
pub mod language;
mod live;
mod media;
pub(crate) mod members;
mod order_page;
pub(crate) mod origin;
mod page;
mod payment;
mod posted;
mod query;
mod reads;
mod security;
mod session;
mod shelves;
mod texts;
mod visit;

pub(crate) use assets::{files as static_files, url as asset_url};
pub use commands::Clock;
pub(crate) use fault::ErrorPage;
pub use fault::Fault;
pub(crate) use frame::public_base;
pub use frame::{Frame, ShopSettings};
pub(crate) use live::Frames;
pub use live::{Asked, Badge, Change, Close, Cursor, Full, Group, Happened, Hub, Live, LiveSettings, Mail, News, Seat};
pub(crate) use media::url as picture_url;
pub(crate) use members::{address_bucket, hashing_fault};
pub(crate) use order_page::address as order_address;
pub use page::Page;
pub use posted::Posted;
pub(crate) use reads::Reads;
pub(crate) use security::protect;
pub use session::{SessionSettings, VisitSession};
pub(crate) use shelves::Shelves;
pub use visit::Visit;
pub(crate) use visit::{page as html_page, render as rendered, way_back};

use crate::http::{Produces, Routes};
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, Uri, header};

/// Every path that browsers are answered at.
pub(crate) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .always("/static/{name}", Produces::Html, get(assets::handle))
        .route("/media/{picture}", Produces::Html, get(media::handle))
        .always("/language/", Produces::Html, get(language::handle));
    let routes = checkout::routes(cart::routes(catalogue::routes(routes)));
    members::routes(live::routes(payment::routes(routes)))
}

/// To the same path with a slash at its end, which is where pages are.
pub(crate) async fn with_slash(uri: Uri, RawQuery(query): RawQuery) -> Response {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    match HeaderValue::try_from(format!("{}/{query}", uri.path())) {
        // Never to another host: `//elsewhere` is no path.
        Ok(location) if !uri.path().starts_with("//") => {
            (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response()
        }
        _ => Fault::NotFound.into_response(),
    }
}
