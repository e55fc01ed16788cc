//! What comes of a command.

/// The outcome of deciding one command against one aggregate's state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Decision<E, R> {
    /// The command changes something: these events, in this order. Never empty.
    Events(Vec<E>),
    /// What the command asks for is so already: a success that changes nothing.
    AlreadySo,
    /// The command breaks a rule of the business in the state that it met.
    Rejected(R),
}
