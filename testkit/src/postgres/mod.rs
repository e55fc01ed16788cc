//! A real PostgreSQL server, from the system's own binaries, with fsync on, and a database for each test.
//!
//! One server is shared by all tests of a process; each test's [`Db`] is a clone of a template that was migrated once.
//! A test that breaks its server starts its own ([`PostgresServer::start`]).

mod binaries;
mod database;
mod server;

pub use database::Db;
pub use server::{PostgresServer, ServerOptions};

/// The role that owns each database and migrates it.
pub const OWNER: &str = "orders_owner";

/// The group role that holds the program's grants. Nobody logs in as it.
pub const GROUP: &str = "orders_app";

/// The group role of analysts. Nobody logs in as it.
pub const ANALYSTS: &str = "orders_analyst";

/// The role as which the program logs in: a member of [`GROUP`].
pub const LOGIN: &str = "orders_login";

/// The server's superuser.
pub const SUPERUSER: &str = "postgres";
