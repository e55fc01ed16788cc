//! Backup, point-in-time restore and upgrade, done as `docs/OPERATIONS.md` says, on real servers.

mod docs;
mod private;
mod restored;
mod shop;
mod upgrade;
