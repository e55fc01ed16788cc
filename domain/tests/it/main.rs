//! What the domain promises, tested as its users see it.

#![allow(clippy::unwrap_used, reason = "a test says by unwrapping what it takes for granted")]

mod categories;
mod corrections;
mod given;
mod golden;
mod items;
mod money;
mod newsletters;
mod payments;
mod placing;
mod presentation;
mod products;
mod properties;
mod samples;
mod text;
mod wire;
