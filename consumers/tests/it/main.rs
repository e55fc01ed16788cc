//! The relay and the consumers against real servers.
