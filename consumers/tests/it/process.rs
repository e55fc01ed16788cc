//! The relay and the consumers as a process of the program runs them, in a runtime of their own, so that they can be
//! killed: at once, with all that they hold, as by `kill -9`.

use super::shop::Shop;
use commands::{Log, db};
use consumers::{
    ConsumerSettings, KafkaSettings, MailBackend, MailSettings, Mailer, NAMES, ReaderState, ReaderStatus, Retry,
    run_consumers, run_relay,
};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Bound of whatever should happen soon, on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// What a process runs.
#[derive(Clone)]
pub struct Plan {
    pub kafka: KafkaSettings,
    pub mail: MailSettings,
    pub settings: ConsumerSettings,
    pub relay: bool,
    pub consumers: bool,
}

impl Plan {
    pub fn new(kafka: KafkaSettings, mail_url: &str) -> Self {
        Self { kafka, mail: mail(mail_url, None), settings: quick(), relay: true, consumers: true }
    }

    pub fn relay_alone(kafka: KafkaSettings) -> Self {
        Self { consumers: false, ..Self::new(kafka, "console:") }
    }
}

/// Leases and pauses for people who can't wait.
pub fn quick() -> ConsumerSettings {
    ConsumerSettings {
        in_hand: 64,
        claim_lease: Duration::from_secs(2),
        sending_margin: Duration::from_secs(2),
        handle_at_most: Duration::from_secs(60),
        retry: Some(Retry::growing(Duration::from_millis(50), Duration::from_millis(500), 12)),
    }
}

pub fn mail(url: &str, authority: Option<&Path>) -> MailSettings {
    let mut backend = MailBackend::parse(url, authority).unwrap();
    if let MailBackend::Smtp(server) = &mut backend {
        server.timeouts.connect = Duration::from_secs(5);
        server.timeouts.envelope = Duration::from_secs(2);
        server.timeouts.message = Duration::from_secs(2);
    }
    MailSettings {
        backend,
        from: "Leaf & Kettle <shop@leaf.example>".parse().unwrap(),
        reply_to: Some("help@leaf.example".parse().unwrap()),
        shop_name: "Leaf & Kettle".to_owned(),
    }
}

/// A running process.
pub struct Process {
    runtime: Option<Runtime>,
    cancel: CancellationToken,
    pub relay: watch::Receiver<ReaderStatus>,
    pub consumers: Vec<watch::Receiver<ReaderStatus>>,
    ended: oneshot::Receiver<Result<(), String>>,
}

impl Process {
    pub fn start(shop: &Shop, plan: Plan) -> Self {
        Self::start_on(&shop.db.app_url(), plan)
    }

    /// The same on any database.
    pub fn start_on(url: &str, plan: Plan) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let cancel = CancellationToken::new();
        let relay = ReaderStatus::channel("relay");
        let statuses: Vec<_> = NAMES.iter().map(|name| ReaderStatus::channel(name)).collect();
        let (tell, ended) = oneshot::channel();
        let consumers = statuses.iter().map(watch::Sender::subscribe).collect();
        let process =
            Self { relay: relay.subscribe(), consumers, cancel: cancel.clone(), runtime: Some(runtime), ended };
        let url = url.to_owned();
        process.runtime.as_ref().unwrap().spawn(async move {
            let _ = tell.send(run(url, plan, relay, statuses, cancel).await);
        });
        process
    }

    /// Ends it without a chance to do anything more.
    pub fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }

    /// Ends it in order.
    pub async fn stop(mut self) {
        self.cancel.cancel();
        let ended = tokio::time::timeout(SOON, &mut self.ended).await;
        ended.expect("it ends soon").expect("it does not panic").expect("it ends well");
    }

    /// Waits until it ends by itself, and gives its error.
    pub async fn refusal(mut self) -> String {
        let ended = tokio::time::timeout(SOON, &mut self.ended).await.expect("it ends soon");
        let refusal = ended.expect("it does not panic").expect_err("it refuses");
        assert_eq!(self.relay.borrow().state, ReaderState::Stopped(refusal.clone()));
        refusal
    }

    /// Waits until the relay has published the whole log.
    pub async fn relayed(&self, shop: &Shop) {
        let head = shop.log.head().await.unwrap();
        testkit::eventually(&format!("the relay is at {head}"), SOON, async || {
            let now = self.relay.borrow().clone();
            if now.position >= head { Ok(()) } else { Err(format!("{now:?}")) }
        })
        .await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn run(
    url: String,
    plan: Plan,
    relay: watch::Sender<ReaderStatus>,
    statuses: Vec<watch::Sender<ReaderStatus>>,
    cancel: CancellationToken,
) -> Result<(), String> {
    let tracker = TaskTracker::new();
    let pool = db::connect(&url, 8).await.map_err(|error| error.to_string())?;
    let log = Log::open(pool, cancel.clone(), &tracker).await.map_err(|error| error.to_string())?;
    let relay = async {
        if !plan.relay {
            return Ok(());
        }
        run_relay(log.clone(), plan.kafka.clone(), cancel.clone(), relay).await.map_err(|error| error.to_string())
    };
    let consumers = async {
        if !plan.consumers {
            return Ok(());
        }
        let mailer = Mailer::new(plan.mail.clone()).map_err(|error| error.to_string())?;
        run_consumers(log.clone(), plan.kafka.clone(), mailer, plan.settings, statuses, cancel.clone())
            .await
            .map_err(|error| error.to_string())
    };
    let (relay, consumers) = tokio::join!(relay, consumers);
    relay.and(consumers)
}
