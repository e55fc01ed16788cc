//! An SMTP server that does as the test says: refuses, hangs up or falls silent at a chosen step.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::{Mail, dialogue};

/// The point in the dialogue at which something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// In place of the greeting.
    Connect,
    /// At `EHLO` or `HELO`.
    Hello,
    /// At `STARTTLS`, which is offered by [`Scripted::offering`] alone, and refused when nothing else is scripted.
    StartTls,
    /// At `AUTH`, which is offered by [`Scripted::offering`] alone; any login is taken.
    Login,
    /// At `MAIL FROM`.
    Sender,
    /// At `RCPT TO`.
    Recipient,
    /// At `DATA`, before the message.
    Data,
    /// After the message's last line: it has arrived in full, and the client waits to hear so.
    EndOfData,
    /// At `RSET`.
    Reset,
}

/// What goes wrong, where, for whom and how often.
#[derive(Debug, Clone)]
pub struct Fault {
    step: Step,
    recipient: Option<String>,
    times_left: Option<usize>,
    pub(super) action: Action,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    Reply(u16, String),
    HangUp,
    FallSilent,
    Delay(Duration),
}

impl Fault {
    fn new(step: Step, action: Action) -> Self {
        Self { step, recipient: None, times_left: None, action }
    }

    /// Answers with a code and a text instead: 4yz is a temporary failure, 5yz a permanent one (RFC 5321, section
    /// 4.2.1).
    pub fn reply(step: Step, code: u16, text: &str) -> Self {
        Self::new(step, Action::Reply(code, text.to_owned()))
    }

    /// Closes the connection without a word.
    pub fn hang_up(step: Step) -> Self {
        Self::new(step, Action::HangUp)
    }

    /// Says nothing, and keeps the connection until the client closes it.
    pub fn fall_silent(step: Step) -> Self {
        Self::new(step, Action::FallSilent)
    }

    /// Does the right thing, only later.
    pub fn delay(step: Step, by: Duration) -> Self {
        Self::new(step, Action::Delay(by))
    }

    /// Only for mail to that address: at [`Step::Recipient`] and after.
    #[must_use]
    pub fn only_for(mut self, recipient: &str) -> Self {
        self.recipient = Some(recipient.to_owned());
        self
    }

    /// Only so often; then all is well again.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times_left = Some(times);
        self
    }

    fn applies(&self, step: Step, recipients: &[String]) -> bool {
        let concerns = |address: &String| recipients.iter().any(|recipient| recipient.eq_ignore_ascii_case(address));
        self.step == step && self.times_left != Some(0) && self.recipient.as_ref().is_none_or(concerns)
    }
}

/// A message that arrived in full, and whether the client was told so by a 250.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The message.
    pub mail: Mail,
    /// Whether it was answered with success. A silent or broken end leaves the client not knowing.
    pub acknowledged: bool,
}

/// A running scripted server on 127.0.0.1: without TLS or login, polite until told otherwise.
#[derive(Debug)]
pub struct Scripted {
    port: u16,
    state: Arc<State>,
    runtime: Option<Runtime>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    faults: Mutex<Vec<Fault>>,
    attempts: Mutex<Vec<Attempt>>,
    connections: Mutex<usize>,
    /// What it says at `EHLO` that it can do besides.
    offers: Vec<String>,
}

impl Scripted {
    /// Starts it, in a thread of its own: a test's runtime may be busy or blocked.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn start() -> Self {
        Self::offering(&[])
    }

    /// The same, and it offers these extensions, such as `AUTH PLAIN`.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn offering(extensions: &[&str]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("testkit-scripted-smtp")
            .enable_all()
            .build()
            .expect("a thread can be started");
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let offers = extensions.iter().map(|extension| (*extension).to_owned()).collect();
        let state = Arc::new(State { offers, ..State::default() });
        runtime.spawn(accept(listener, Arc::clone(&state)));
        Self { port, state, runtime: Some(runtime) }
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Adds a fault, from the next step on, also in connections that are open. The last one added goes first.
    pub fn script(&self, fault: Fault) {
        lock(&self.state.faults).push(fault);
    }

    /// Takes all faults away.
    pub fn behave(&self) {
        lock(&self.state.faults).clear();
    }

    /// How many faults are still to happen, of those that happen a number of times.
    pub fn outstanding(&self) -> usize {
        lock(&self.state.faults).iter().filter_map(|fault| fault.times_left).sum()
    }

    /// All messages that arrived in full, in that order.
    pub fn attempts(&self) -> Vec<Attempt> {
        lock(&self.state.attempts).clone()
    }

    /// The messages that the client was told have arrived.
    pub fn received(&self) -> Vec<Mail> {
        self.attempts().into_iter().filter(|attempt| attempt.acknowledged).map(|attempt| attempt.mail).collect()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        *lock(&self.state.connections)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        // Not waited for: this may be a thread that runs tasks of another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl State {
    pub(super) fn offers(&self) -> &[String] {
        &self.offers
    }

    /// The fault at a step, if one is due.
    pub(super) fn fault(&self, step: Step, recipients: &[String]) -> Option<Action> {
        let mut faults = lock(&self.faults);
        let due = faults.iter_mut().rev().find(|fault| fault.applies(step, recipients))?;
        due.times_left = due.times_left.map(|times| times - 1);
        Some(due.action.clone())
    }

    /// Notes a message that arrived in full, not yet acknowledged; gives its number.
    pub(super) fn arrived(&self, mail: Mail) -> usize {
        let mut attempts = lock(&self.attempts);
        attempts.push(Attempt { mail, acknowledged: false });
        attempts.len() - 1
    }

    pub(super) fn acknowledged(&self, attempt: usize) {
        lock(&self.attempts)[attempt].acknowledged = true;
    }
}

async fn accept(listener: std::net::TcpListener, state: Arc<State>) {
    let listener = TcpListener::from_std(listener).expect("the runtime takes a listener");
    while let Ok((stream, _peer)) = listener.accept().await {
        *lock(&state.connections) += 1;
        tokio::spawn(dialogue::hold(stream, Arc::clone(&state)));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
