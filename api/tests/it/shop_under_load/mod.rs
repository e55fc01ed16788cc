//! A shop of real processes on real servers, clients that give it no rest, and the comparison of what these were told
//! with the log, with Kafka and with the mailboxes.

pub mod audit;
pub mod effects;
pub mod figures;
pub mod load;
pub mod panics;
pub mod shop;
pub mod staff;
pub mod told;
pub mod wire;
