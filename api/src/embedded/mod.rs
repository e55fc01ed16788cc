//! What the program brings along when nothing is configured: a private PostgreSQL, a Kafka broker inside the process, a
//! demo catalogue and an API key. Each part gives way to a real one when that is named.

pub mod account;
pub mod directory;
pub mod launcher;
pub mod postgres;
