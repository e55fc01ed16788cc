//! The reads of one page, bounded and timed.

use super::Fault;
use crate::problem::within;
use projections::{ReadError, Seen};
use std::time::{Duration, Instant};

/// What the reads of a page took so far.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    pub(crate) took: Duration,
}

impl Reads {
    /// Reads a view.
    pub(crate) async fn run<T>(
        &mut self,
        view: &'static str,
        read: impl Future<Output = Result<Seen<T>, ReadError>>,
    ) -> Result<T, Fault> {
        let started = Instant::now();
        let outcome = within(async { read.await.map_err(|error| crate::v1::unreadable_view(view, error)) }).await;
        self.took += started.elapsed();
        Ok(outcome?.value)
    }
}
