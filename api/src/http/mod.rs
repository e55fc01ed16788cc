//! HTTP: what every request goes through, and what requests are made of. The resources themselves are in [`v1`].
//!
//! [`v1`]: crate::v1

mod admission;
pub mod body;
pub mod conditions;
pub mod context;
mod delivery;
mod edge;
pub mod idempotency;
mod limit;
mod negotiate;
pub(crate) mod open;
mod open_files;
mod open_operations;
mod panics;
pub mod query;
mod request_id;
mod routes;
mod server;
mod source;
mod spans;
mod stopping;
pub mod timing;

pub use admission::Place;
pub(crate) use admission::overloaded;
pub(crate) use delivery::{coding, of_bytes};
pub(crate) use limit::Limiter;
pub use limit::{AddressLimits, RateLimit};
pub use negotiate::Produces;
pub(crate) use open_operations::operations as open_operations;
pub use panics::log_panics;
pub use request_id::{REQUEST_ID, RequestId};
pub(crate) use routes::Routes;
pub(crate) use server::ConnectionPlace;
pub use server::{ServeError, Server, ServerSettings};
pub use source::Source;
pub(crate) use stopping::Stopping;
