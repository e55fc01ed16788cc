//! What the domain promises, tested as its users see it.

mod given;
mod items;
mod payments;
mod placing;
mod products;
mod samples;
