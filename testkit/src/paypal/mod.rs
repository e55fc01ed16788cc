//! A PayPal of the tests' own: it answers as PayPal's documentation says (Orders API version 2, webhooks), signs its
//! notices with a real RSA key under a certificate of an authority of its own, and fails on demand.
//!
//! The customer's part is played by [`PayPal::approve`], or by a browser on the page that the approve link leads to.
//! Notices wait until a test delivers them ([`PayPal::deliver`]): in which order, how often and how signed is the
//! test's to say. With [`PayPal::notify`] they are delivered at once instead.

mod certificates;
mod notices;
mod orders;
mod server;

pub use certificates::Credential;
pub use notices::{Delivery, Notice};

use certificates::Certificates;
use orders::Book;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// What the shop is known by.
pub const CLIENT_ID: &str = "AeA1QIZXiflr1_-r0U2UbWTziOWX1GRQer5jkUq4ZfWT5qwb6qQRPq7jDtv57TL4";
/// What proves it.
pub const CLIENT_SECRET: &str = "ELtVxAjhT7cJimnz5-Nsx9k2reTKSVfErNQF-CmrwJgxRtylkGTKlU4RvrX";
/// What the shop's webhook is known by.
pub const WEBHOOK_ID: &str = "1JE4291016473214C";

/// How long anything of this may take.
const BOUND: Duration = Duration::from_secs(30);

/// Which request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// For a token.
    Token,
    /// That asks for a payment.
    Create,
    /// That looks at one.
    Show,
    /// That takes the money.
    Capture,
    /// That looks at money that was taken.
    ShowCapture,
    /// For the certificate that notices are signed with.
    Certificate,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and the answer has this status.
    Status(u16),
    /// Nothing is done, and no answer comes.
    Silence,
    /// It is done, and the answer breaks off.
    ReplyLost,
    /// It is done, and its notice is delivered before the answer is given. Needs [`PayPal::notify`].
    NoticeFirst,
}

/// What becomes of the money once it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// It arrives.
    #[default]
    Completed,
    /// It is looked at by people first.
    Pending,
    /// The customer's bank refuses.
    Declined,
}

/// The server; ends when dropped.
#[derive(Debug)]
pub struct PayPal {
    shared: Arc<Shared>,
    serving: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    certificates: Certificates,
    http: reqwest::Client,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    book: Book,
    faults: Vec<(At, Fault)>,
    asked: HashMap<At, usize>,
    /// Notices that nobody has delivered yet.
    notices: Vec<Notice>,
    /// Where they are delivered to at once.
    notify: Option<String>,
    tokens: usize,
}

impl PayPal {
    /// Starts one, with orders of nobody.
    ///
    /// # Panics
    /// When it can't listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let http = reqwest::Client::builder().timeout(BOUND).no_proxy().build().expect("a client");
        let shared = Shared { address, certificates: Certificates::shared(), http, state: Mutex::default() };
        let shared = Arc::new(shared);
        let router = server::router(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { shared, serving: serving.abort_handle() }
    }

    /// Its API: `PAYPAL_BASE_URL`.
    pub fn base_url(&self) -> String {
        self.shared.url("")
    }

    /// The authority that its certificate is of (PEM).
    pub fn authority(&self) -> Vec<u8> {
        self.shared.certificates.authority_pem()
    }

    /// The same as a file: `PAYPAL_CA_FILE`.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn authority_file(&self) -> PathBuf {
        self.shared.certificates.authority_file()
    }

    /// The next request of this kind goes wrong. Faults of one kind come in the order in which they were asked for.
    pub fn fail(&self, at: At, fault: Fault) {
        self.shared.state().faults.push((at, fault));
    }

    /// Where the certificate of this credential is.
    pub fn cert_url(&self, credential: Credential) -> String {
        self.shared.cert_url(credential)
    }

    /// How often it was asked for this.
    pub fn asked(&self, at: At) -> usize {
        self.shared.state().asked.get(&at).copied().unwrap_or_default()
    }

    /// All tokens given out so far are refused from now on.
    pub fn revoke_tokens(&self) {
        self.shared.state().tokens += 1;
    }

    /// Delivers notices to this address as they come, from now on.
    pub fn notify(&self, url: &str) {
        self.shared.state().notify = Some(url.to_owned());
    }

    /// The payments that were asked for, in order.
    pub fn payments(&self) -> Vec<String> {
        self.shared.state().book.ids()
    }

    /// How often money was taken.
    pub fn captures(&self) -> usize {
        self.shared.state().book.captures()
    }

    /// What becomes of a payment's money once it is taken.
    ///
    /// # Panics
    /// When there is no such payment.
    pub fn decide(&self, payment: &str, fate: Fate) {
        self.shared.state().book.decide(payment, fate);
    }

    /// The customer agrees. Returns the address that PayPal sends the browser back to.
    ///
    /// # Panics
    /// When there is no such payment.
    pub fn approve(&self, payment: &str) -> String {
        self.shared.approve(payment)
    }

    /// Takes a payment's money without being asked, as after a request whose reply nobody saw. Returns the notice of
    /// it.
    ///
    /// # Panics
    /// When the customer has not agreed.
    pub fn capture(&self, payment: &str) -> Notice {
        let request = format!("lost-{payment}");
        let (answer, told) = self.shared.state().book.capture(payment, &request, false, "");
        let (event, resource) = told.unwrap_or_else(|| panic!("{payment} is not captured: {answer:?}"));
        Notice::new(event, "capture", resource)
    }

    /// A notice of how a payment's capture stands now.
    ///
    /// # Panics
    /// When nothing was captured.
    pub fn captured(&self, payment: &str) -> Notice {
        let told = self.shared.state().book.captured(payment);
        let (event, resource) = told.unwrap_or_else(|| panic!("nothing of {payment} was captured"));
        Notice::new(event, "capture", resource)
    }

    /// Gives back some of what was taken, as the shop's owner does on PayPal's own pages. Returns the notice of it.
    ///
    /// # Panics
    /// When nothing was captured.
    pub fn refund(&self, payment: &str, value: &str) -> Notice {
        let resource = self.shared.state().book.refund(payment, value, &self.shared.url(""));
        Notice::new("PAYMENT.CAPTURE.REFUNDED", "refund", resource)
    }

    /// Takes back some of what was taken. Returns the notice of it.
    ///
    /// # Panics
    /// When nothing was captured.
    pub fn reverse(&self, payment: &str, value: &str) -> Notice {
        let resource = self.shared.state().book.refund(payment, value, &self.shared.url(""));
        Notice::new("PAYMENT.CAPTURE.REVERSED", "refund", resource)
    }

    /// Takes the notices that wait.
    pub fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut self.shared.state().notices)
    }

    /// Delivers a notice; the status that it was answered with.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn deliver(&self, notice: &Notice, url: &str, delivery: &Delivery) -> u16 {
        self.shared.deliver(notice, url, delivery).await.expect("an answer to a notice")
    }
}

impl Drop for PayPal {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn cert_url(&self, credential: Credential) -> String {
        self.url(&format!("/v1/notifications/certs/{}", credential.file()))
    }

    /// Counts a request; what goes wrong with it, if anything.
    fn count(&self, at: At) -> Option<Fault> {
        let mut state = self.state();
        *state.asked.entry(at).or_default() += 1;
        let next = state.faults.iter().position(|(fault_at, _)| *fault_at == at)?;
        Some(state.faults.remove(next).1)
    }

    fn approve(self: &Arc<Self>, payment: &str) -> String {
        let (back, resource) = self.state().book.approve(payment);
        self.tell(Notice::new("CHECKOUT.ORDER.APPROVED", "checkout-order", resource));
        back
    }

    /// A notice: delivered at once where that is asked for, else kept for the test.
    fn tell(self: &Arc<Self>, notice: Notice) {
        let mut state = self.state();
        let Some(url) = state.notify.clone() else {
            state.notices.push(notice);
            return;
        };
        drop(state);
        let shared = Arc::clone(self);
        tokio::spawn(async move { shared.deliver_until_taken(&notice, &url).await });
    }
}
