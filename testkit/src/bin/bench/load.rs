//! The load: a number of connections, each of which asks for the next thing as soon as the one before is answered.
//!
//! All of it runs on one thread: the two cores are the servers' too, and a second thread of load would cost more in
//! hand-overs than it brings.

use crate::stats::{Latencies, microseconds};
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
    /// Of the answers that came while it was measured.
    pub latencies: Latencies,
    /// Of all answers, the warming up included.
    pub receipts: Vec<R>,
    /// What should not have happened.
    pub failures: Vec<String>,
    measured: Duration,
}

impl<R> Outcome<R> {
    /// Answers per second.
    pub fn per_second(&self) -> f64 {
        self.latencies.count() as f64 / self.measured.as_secs_f64()
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
    let mut whole = Share { us: Vec::new(), receipts: Vec::new(), failures: Vec::new() };
    for connection in connections {
        let share = connection.await.expect("a connection's work ends");
        whole.us.extend(share.us);
        whole.receipts.extend(share.receipts);
        whole.failures.extend(share.failures);
    }
    let Share { us, receipts, failures } = whole;
    Outcome { latencies: Latencies::of(us), receipts, failures, measured: plan.measured }
}

/// One connection's share of the outcome.
struct Share<R> {
    us: Vec<u32>,
    receipts: Vec<R>,
    failures: Vec<String>,
}

async fn work<W: Worker>(mut worker: W, plan: Plan) -> Share<W::Receipt> {
    let begin = Instant::now() + plan.warm_up;
    let end = begin + plan.measured;
    let mut share = Share { us: Vec::new(), receipts: Vec::new(), failures: Vec::new() };
    loop {
        let asked = Instant::now();
        if asked >= end || share.failures.len() >= FAILURES_AT_MOST {
            return share;
        }
        let answer = worker.once().await;
        let answered = Instant::now();
        match answer {
            Ok(receipt) => {
                if (begin..end).contains(&answered) {
                    share.us.push(microseconds(answered - asked));
                }
                share.receipts.push(receipt);
            }
            Err(failure) => share.failures.push(failure),
        }
    }
}
