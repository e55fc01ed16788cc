//! What holds for all values, tried on many.

mod money;
mod orders;
mod products;
mod strategies;
mod texts;
mod wire;
