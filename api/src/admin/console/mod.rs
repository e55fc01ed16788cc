//! `/ops/`: the console of who runs the system: how everything is, as it changes, and what can be done about it.
//!
//! - [`show`]: the page. [`board`]: the part of it that changes. [`live`]: that part, sent as it changes.
//! - [`deed`]: what can be done. [`ask`]: says what something would come to, before it is done. [`act`]: does it.
//! - [`compare`]: two builds of a read model, row by row. [`parked`]: what needs a person, by a filter, and each with
//!   all that is known.
//! - [`letters`]: what was parked, as it stands in the dead-letter topic. [`mails`]: whether a customer got a mail, and
//!   why (not).
//!
//! Whatever can't be taken back is asked about first, with the number of things that it is done to. What is done is
//! written down in the log of what operators did, by the functions that do it.

mod act;
mod ask;
mod board;
mod compare;
mod deed;
mod letters;
mod live;
mod mails;
mod parked;
mod show;
mod state;

pub(crate) use live::Console;

use crate::http::{Produces, Routes};
use crate::shop::with_slash;
use axum::routing::get;

const PATH: &str = "/ops/";
const ASK: &str = "/ops/ask/";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(PATH, Produces::Html, get(show::handle).post(act::handle))
        .route(ASK, Produces::Html, get(ask::handle))
        .route("/ops/stream", Produces::Html, get(live::handle))
        .route("/ops/projections/{name}/diff/", Produces::Html, get(compare::handle))
        .route(parked::PATH, Produces::Html, get(parked::list::handle))
        .route("/ops/parked/{id}/", Produces::Html, get(parked::item::handle))
        .route(letters::PATH, Produces::Html, get(letters::handle))
        .route(mails::PATH, Produces::Html, get(mails::handle).post(mails::ask))
        .always("/ops", Produces::Html, get(with_slash))
        .always("/ops/parked", Produces::Html, get(with_slash))
        .always("/ops/dead-letters", Produces::Html, get(with_slash))
        .always("/ops/mails", Produces::Html, get(with_slash))
}
