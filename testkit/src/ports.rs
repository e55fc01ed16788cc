//! Ports for servers that must come back on the same one after they were killed.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{LazyLock, Mutex};

use rand::Rng;

/// Below the range from which Linux takes the near end of outgoing connections (32768 and up): while a killed server is
/// away, no client's connection can sit down on its port.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

/// More than enough on a machine that is not full of listeners.
const ATTEMPTS: usize = 1_000;

static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// A TCP port of 127.0.0.1 on which nothing listens, given once only within this process.
///
/// Another process could still take it before its server is up, so a server's start tries another one when it is
/// refused.
///
/// # Panics
/// When no free port is found.
pub fn free_port() -> u16 {
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut random = rand::rng();
    (0..ATTEMPTS)
        .map(|_| random.random_range(RANGE))
        .find(|port| !given.contains(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .inspect(|port| {
            given.insert(*port);
        })
        .unwrap_or_else(|| panic!("no free TCP port on 127.0.0.1 between {} and {}", RANGE.start, RANGE.end))
}
