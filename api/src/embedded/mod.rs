//! What the program brings along when nothing is configured: a private PostgreSQL, a demo catalogue and an API key.
//! (The Kafka broker inside the process is `consumers`' own.) Each part gives way to a real one when that is named.

pub mod account;
pub mod demo;
pub mod dev_key;
pub mod directory;
pub mod first_owner;
pub mod launcher;
pub mod postgres;
pub mod welcome;
