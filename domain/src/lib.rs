//! What an order and a product are, and what they may become.
//!
//! Everything here is pure: a decision is a function of the state that the events left, the command and the
//! catalogue's prices. No clock, no id generator, no I/O: times and new ids arrive inside the command. This crate
//! knows no tokio, no sqlx, no axum and no rdkafka; a test in `testkit` holds it to that.
//!
//! - [`order`], [`product`] and [`category`]: the aggregates, each with its commands, events, `decide` and `evolve`.
//! - [`prices`]: what the catalogue charges today, folded from product events.
//! - [`money`], [`text`], [`language`], [`sku`], [`slug`], [`quantity`], [`ids`]: values that are parsed once and right
//!   from then on.
//! - [`event`]: any event of the log, and the envelope that it is recorded in.
//! - [`wire`]: the frozen shapes in which events are stored, with upcasters from older versions.

pub mod category;
pub mod decision;
pub mod event;
pub mod ids;
pub mod language;
pub mod money;
pub mod newsletter;
pub mod order;
pub mod prices;
pub mod product;
pub mod quantity;
pub mod sku;
pub mod slug;
pub mod text;
pub mod wire;

pub use decision::Decision;
pub use event::{AggregateType, Event, Metadata, Position, Recorded};
pub use language::Language;
pub use money::Money;
pub use prices::Prices;
pub use quantity::Quantity;
pub use sku::Sku;
pub use slug::Slug;
