//! What the domain promises, tested as its users see it.

#![allow(clippy::unwrap_used, reason = "a test says by unwrapping what it takes for granted")]

mod given;
mod items;
mod money;
mod payments;
mod placing;
mod products;
mod samples;
mod text;
