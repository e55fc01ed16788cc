//! What a person orders over HTTP that may take longer than a request: handing a group its events again, which is
//! counted first, and letting another build be read, which is brought up to date first. The API and the console ask
//! here, so both have the same bounds.

use crate::http::overloaded;
use crate::problem::{Code, Problem};
use commands::Log;
use consumers::groups::{self, GroupError, Preview, Rewound, To};
use projections::{Asked, Rebuilt, RunError, Views};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long counting may take. A longer history is counted by the command line, which shows how far it is.
const COUNTED_WITHIN: Duration = Duration::from_secs(25);
/// How many count at once: each reads history as fast as it can.
const MAX_COUNTS: usize = 2;
/// How long a request waits for a build to serve; then that goes on by itself.
const SERVES_WITHIN: Duration = Duration::from_secs(5);

/// Carries out what takes long, within bounds, and ends it with the process.
pub(crate) struct Steering {
    counts: Semaphore,
    /// Ends what goes on.
    cancel: CancellationToken,
    /// What goes on after its answer.
    tasks: TaskTracker,
}

/// Why there is no count.
#[derive(Debug)]
pub(crate) enum NotCounted {
    /// There is too much history to count it here.
    TooLong,
    /// Others count already.
    Busy,
    /// It can't be counted, or not be ordered.
    Group(GroupError),
}

impl From<GroupError> for NotCounted {
    fn from(error: GroupError) -> Self {
        Self::Group(error)
    }
}

impl From<NotCounted> for Problem {
    fn from(why: NotCounted) -> Self {
        match why {
            NotCounted::TooLong => {
                let detail = "There is too much history to count it here: `orders consumers rewind` does, and shows how far it is.";
                Self::new(Code::TooMany, detail)
            }
            NotCounted::Busy => overloaded(),
            NotCounted::Group(error) => error.into(),
        }
    }
}

/// Which build is to be read, and who says so.
pub(crate) struct Exchange {
    pub(crate) view: String,
    /// Its schema; `None` for the one that was read before.
    pub(crate) build: Option<String>,
    /// The one that is read now, as far as that person knows; see [`Asked`].
    pub(crate) expected: Option<String>,
    pub(crate) by: String,
}

/// What an exchange came to while somebody waited for it.
#[derive(Debug)]
pub(crate) enum Exchanged {
    /// It is read.
    Served,
    /// It is being brought up to date, and is read after that.
    GoesOn,
    /// It is not, and why.
    Refused(RunError),
}

impl Steering {
    /// What goes on ends with `cancel`, and is waited for in `tasks`.
    pub(crate) fn ending_with(cancel: CancellationToken, tasks: TaskTracker) -> Self {
        Self { counts: Semaphore::new(MAX_COUNTS), cancel, tasks }
    }

    /// What going back would mean.
    pub(crate) async fn preview(&self, log: &Log, name: &str, to: To) -> Result<Preview, NotCounted> {
        self.counted(groups::preview(log, name, to, |_, _| {})).await
    }

    /// Orders a group to go back, as a preview said, if it still says so. The count alone has a bound here: what became
    /// of an order that was given up would not be known.
    pub(crate) async fn rewind(&self, log: &Log, confirmed: &Preview, who: &str) -> Result<Rewound, NotCounted> {
        let recounted = self.counted(groups::recount(log, confirmed, |_, _| {})).await?;
        Ok(groups::instruct(log.pool(), recounted, who).await?)
    }

    async fn counted<T>(&self, count: impl Future<Output = Result<T, GroupError>>) -> Result<T, NotCounted> {
        let _place = self.counts.try_acquire().map_err(|_| NotCounted::Busy)?;
        match tokio::time::timeout(COUNTED_WITHIN, count).await {
            Ok(outcome) => Ok(outcome?),
            Err(_elapsed) => Err(NotCounted::TooLong),
        }
    }

    /// Has another build be read, and waits for that as long as a request may.
    pub(crate) async fn exchange(&self, views: &Views, exchange: Exchange) -> Result<Exchanged, Problem> {
        let (views, view, cancel) = (views.clone(), exchange.view.clone(), self.cancel.clone());
        self.watched(view, async move { exchange.carry_out(&views, &cancel).await }).await
    }

    /// Waits for an exchange for a while. It is a task of its own, so that a client that hangs up cuts nothing in the
    /// middle.
    async fn watched(
        &self,
        view: String,
        work: impl Future<Output = Result<Rebuilt, RunError>> + Send + 'static,
    ) -> Result<Exchanged, Problem> {
        let mut task = self.tasks.spawn(async move {
            let outcome = work.await;
            if let Err(error) = &outcome {
                tracing::warn!(view, %error, "a build was not promoted");
            }
            outcome
        });
        match tokio::time::timeout(SERVES_WITHIN, &mut task).await {
            Err(_elapsed) => Ok(Exchanged::GoesOn),
            Ok(Ok(Ok(_))) => Ok(Exchanged::Served),
            Ok(Ok(Err(error))) => Ok(Exchanged::Refused(error)),
            Ok(Err(_panicked)) => Err(Problem::internal()),
        }
    }
}

impl Exchange {
    async fn carry_out(&self, views: &Views, cancel: &CancellationToken) -> Result<Rebuilt, RunError> {
        let asked = Asked { expected: self.expected.as_deref(), by: &self.by };
        match &self.build {
            Some(build) => projections::promote(views, &self.view, build, asked, cancel, &mut |_| ()).await,
            None => projections::rollback(views, &self.view, asked, cancel, &mut |_| ()).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    fn steering() -> Steering {
        Steering::ending_with(CancellationToken::new(), TaskTracker::new())
    }

    #[tokio::test(start_paused = true)]
    async fn an_exchange_goes_on_after_its_answer_and_ends_with_the_process() {
        let steering = steering();
        let ends = steering.cancel.clone();
        let work = async move {
            ends.cancelled().await;
            Err(RunError::Cancelled)
        };
        let answer = steering.watched("order_list".to_owned(), work).await.unwrap();
        assert!(matches!(answer, Exchanged::GoesOn), "{answer:?}");
        assert_eq!(steering.tasks.len(), 1);
        steering.cancel.cancel();
        steering.tasks.close();
        steering.tasks.wait().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_at_once_is_answered() {
        let refused =
            steering().watched("order_list".to_owned(), async { Err(RunError::OtherComparison) }).await.unwrap();
        assert!(matches!(refused, Exchanged::Refused(RunError::OtherComparison)), "{refused:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn counting_has_a_bound_in_time_and_in_how_many_do_it_at_once() {
        let steering = steering();
        let endless = || steering.counted(pending::<Result<(), GroupError>>());
        let (first, second, third) = tokio::join!(endless(), endless(), endless());
        assert!(matches!(first, Err(NotCounted::TooLong)), "{first:?}");
        assert!(matches!(second, Err(NotCounted::TooLong)), "{second:?}");
        assert!(matches!(third, Err(NotCounted::Busy)), "{third:?}");
        assert!(steering.counted(async { Ok(7) }).await.is_ok(), "there is room again");
    }
}
