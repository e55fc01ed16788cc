//! What a view's reader of the log is doing, for `/readyz` and people.

use crate::rebuild::Progress;
use domain::Position;

/// What a view's reader of the log is doing in this process.
#[derive(Debug, Clone, PartialEq)]
pub struct ReaderStatus {
    /// The projection.
    pub name: &'static str,
    /// How far the view is, as far as this process knows.
    pub position: Position,
    /// What is being done.
    pub state: ReaderState,
}

/// See [`ReaderStatus::state`].
#[derive(Debug, Clone, PartialEq)]
pub enum ReaderState {
    /// This process does not run it.
    Elsewhere,
    /// Another process leads; this one takes over when that ends.
    Standby,
    /// The first build of this version is being made. Until it is done, an older version serves, or none.
    Building(Progress),
    /// It follows the log.
    Running,
    /// Something that should pass by itself keeps it from following; it tries again. What, for people.
    Retrying(String),
    /// Another version serves, which this program does not follow: it waits until a build of its own is promoted. Why,
    /// for people.
    AwaitsPromotion(String),
    /// It stopped and stays so until somebody does something. What, for people.
    Stopped(String),
}

impl ReaderState {
    /// Whether the position is told by this process, as it is the one that writes the view.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self, Self::Running)
    }
}
