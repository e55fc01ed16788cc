//! The bounds of sockets.

use std::time::Duration;

/// What may be tuned. Every queue, wait and number of sockets has a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveSettings {
    /// The most sockets of this process.
    pub max_sockets: usize,
    /// The most sockets that watch one order, through this process.
    pub max_sockets_per_order: usize,
    /// The most sockets of one session or one member, through this process: one for each tab.
    pub max_sockets_per_visitor: usize,
    /// How much news may wait for one socket. One that is further behind is closed, and catches up when it comes again.
    pub max_queued: usize,
    /// How often a socket is asked whether it is still there.
    pub ping_every: Duration,
    /// How long it may say nothing, not even that it is there.
    pub silence_at_most: Duration,
    /// How long it may take to be sent one frame.
    pub send_at_most: Duration,
    /// How often the tables are looked into for messages, and for mails that are awaited, while somebody is connected.
    pub look_every: Duration,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            max_sockets: 2_000,
            max_sockets_per_order: 32,
            max_sockets_per_visitor: 16,
            max_queued: 64,
            // Less than what proxies wait for, which is a minute with most.
            ping_every: Duration::from_secs(25),
            silence_at_most: Duration::from_secs(70),
            send_at_most: Duration::from_secs(10),
            look_every: Duration::from_secs(1),
        }
    }
}
