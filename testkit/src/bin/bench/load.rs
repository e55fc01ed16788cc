//! The load: a number of connections, each of which asks for the next thing as soon as the one before is answered.
//!
//! All of it runs on one thread: the two cores are the servers' too, and a second thread of load would cost more in
//! hand-overs than it brings.

use crate::stats::{Latencies, microseconds};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Barrier, oneshot};

/// What is done before anything counts.
const WARM_UP: Duration = Duration::from_secs(1);
/// A connection that fails so often gives up.
const FAILURES_AT_MOST: usize = 3;

/// One connection.
pub trait Worker: Send + 'static {
    /// What is kept of each answer, to be looked for afterwards.
    type Receipt: Send + 'static;

    /// Asks for one thing and waits for the answer. An error is what should not happen, in words.
    fn once(&mut self) -> impl Future<Output = Result<Self::Receipt, String>> + Send;

    /// Whether the answer is one of those that are counted per second.
    fn counts(_receipt: &Self::Receipt) -> bool {
        true
    }
}

/// How much load.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub connections: usize,
    pub warm_up: Duration,
    pub measured: Duration,
}

impl Plan {
    /// So many connections for so long, once warm.
    pub fn new(connections: usize, measured: Duration) -> Self {
        Self { connections, warm_up: WARM_UP, measured }
    }

    /// From the first request to the last.
    pub fn whole(&self) -> Duration {
        self.warm_up + self.measured
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome<R> {
    /// Of all requests that were under way while it was measured: one that was asked before the end and answered long
    /// after it is what a client waits for, too.
    pub latencies: Latencies,
    /// Of all answers, the warming up included.
    pub receipts: Vec<R>,
    /// What should not have happened.
    pub failures: Vec<String>,
    /// Answers that count and came while it was measured.
    counted: u64,
    measured: Duration,
}

impl<R> Outcome<R> {
    /// Answers that count, per second.
    pub fn per_second(&self) -> f64 {
        self.counted as f64 / self.measured.as_secs_f64()
    }

    /// The same, if nothing failed.
    ///
    /// # Panics
    /// With what failed first.
    pub fn clean(self) -> Self {
        assert!(self.failures.is_empty(), "{} requests failed, such as: {}", self.failures.len(), self.failures[0]);
        self
    }
}

/// Opens the connections, loads, and waits for the last answer.
pub async fn run<W, Open, Opening>(plan: Plan, open: Open) -> Outcome<W::Receipt>
where
    W: Worker,
    Open: Fn(usize) -> Opening + Send + 'static,
    Opening: Future<Output = W> + Send + 'static,
{
    let (done, outcome) = oneshot::channel();
    std::thread::Builder::new()
        .name("load".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let _ = done.send(runtime.block_on(load(plan, open)));
        })
        .expect("a thread can be started");
    outcome.await.expect("the load ends with an outcome")
}

async fn load<W, Open, Opening>(plan: Plan, open: Open) -> Outcome<W::Receipt>
where
    W: Worker,
    Open: Fn(usize) -> Opening,
    Opening: Future<Output = W> + Send + 'static,
{
    let all_open = Arc::new(Barrier::new(plan.connections));
    let connections: Vec<_> = (0..plan.connections)
        .map(|nth| {
            let (opening, all_open) = (open(nth), Arc::clone(&all_open));
            tokio::spawn(async move {
                let worker = opening.await;
                all_open.wait().await;
                work(worker, plan).await
            })
        })
        .collect();
    let mut whole = Share::new();
    for connection in connections {
        let share = connection.await.expect("a connection's work ends");
        whole.counted += share.counted;
        whole.us.extend(share.us);
        whole.receipts.extend(share.receipts);
        whole.failures.extend(share.failures);
    }
    let Share { us, counted, receipts, failures } = whole;
    Outcome { latencies: Latencies::of(us), receipts, failures, counted, measured: plan.measured }
}

/// One connection's share of the outcome.
struct Share<R> {
    us: Vec<u32>,
    counted: u64,
    receipts: Vec<R>,
    failures: Vec<String>,
}

impl<R> Share<R> {
    fn new() -> Self {
        Self { us: Vec::new(), counted: 0, receipts: Vec::new(), failures: Vec::new() }
    }

    /// Takes a request down by the time it took, if it was under way while it was measured; and its answer, if that
    /// came then and counts.
    fn note(&mut self, measured: &Range<Instant>, request: Range<Instant>, counts: bool) {
        if request.start < measured.end && request.end >= measured.start {
            self.us.push(microseconds(request.end - request.start));
        }
        self.counted += u64::from(counts && measured.contains(&request.end));
    }
}

async fn work<W: Worker>(mut worker: W, plan: Plan) -> Share<W::Receipt> {
    let begin = Instant::now() + plan.warm_up;
    let end = begin + plan.measured;
    let mut share = Share::new();
    loop {
        let asked = Instant::now();
        if asked >= end || share.failures.len() >= FAILURES_AT_MOST {
            return share;
        }
        let answer = worker.once().await;
        let answered = Instant::now();
        match answer {
            Ok(receipt) => {
                share.note(&(begin..end), asked..answered, W::counts(&receipt));
                share.receipts.push(receipt);
            }
            Err(failure) => share.failures.push(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_over_the_end_is_seen_but_is_no_answer_of_that_time() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let (measured, mut share) = (at(100)..at(200), Share::<()>::new());
        for (request, counts) in
            [(at(10)..at(90), true), (at(95)..at(105), true), (at(105)..at(107), false), (at(199)..at(5_199), true)]
        {
            share.note(&measured, request, counts);
        }
        assert_eq!((share.us, share.counted), (vec![10_000, 2_000, 5_000_000], 1));
    }
}
