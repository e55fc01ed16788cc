//! Sending mail: composing it, and handing it to a server, the console or files.
//!
//! Mail addresses appear in messages and in the dialogue with the server alone: in no log, no error, no ledger.

mod compose;
mod local;
mod pool;
mod redact;
mod settings;
mod smtp;

pub use compose::{ComposeError, Letter, Message};
pub use settings::{Encryption, MailBackend, MailError, MailSettings, SmtpServer, SmtpTimeouts};

use commands::trace;
use domain::ids::EventId;
use local::Local;
use pool::{Pool, Room};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{Instrument, field};
use uuid::Uuid;

/// What became of a message. The texts are the server's, without addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server has it; its answer.
    Sent(String),
    /// The server has it not, and may take it later: a 4yz reply, or a connection that broke before the message went
    /// out.
    Temporary(String),
    /// There is no connection to the server: nothing was said of this message, and of no other one.
    Unreachable(String),
    /// The server refuses it for good: a 5yz reply to this message's sender or content.
    Permanent(String),
    /// The server refuses its recipient for good: a 5yz reply to the address.
    NoRecipient(String),
    /// The message went out, and no reply came: the server has it or not.
    Unknown(String),
}

impl Outcome {
    /// What it is called where outcomes are counted.
    const fn word(&self) -> &'static str {
        match self {
            Self::Sent(_) => "sent",
            Self::Temporary(_) => "temporary",
            Self::Unreachable(_) => "unreachable",
            Self::Permanent(_) => "refused",
            Self::NoRecipient(_) => "no_recipient",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Sends mail; cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    shared: Arc<Shared>,
}

struct Shared {
    settings: MailSettings,
    transport: Transport,
}

enum Transport {
    Smtp(Box<Pool>),
    Local(Local),
}

impl Mailer {
    /// Prepares sending. Connects to nothing yet.
    pub fn new(settings: MailSettings) -> Result<Self, MailError> {
        let transport = match &settings.backend {
            MailBackend::Smtp(server) => Transport::Smtp(Box::new(Pool::new((**server).clone())?)),
            MailBackend::Console => Transport::Local(Local::console()),
            MailBackend::Files(directory) => Transport::Local(Local::files(directory, false)?),
            MailBackend::ConsoleAndFiles(directory) => Transport::Local(Local::files(directory, true)?),
        };
        Ok(Self { shared: Arc::new(Shared { settings, transport }) })
    }

    /// The Message-ID of a consumer's mail about an event to a recipient, without angle brackets: always the same, so
    /// that a receiver can drop a second copy.
    pub fn message_id(&self, consumer: &str, event: EventId, recipient: Uuid) -> String {
        let digest = Sha256::new().chain_update(consumer).chain_update(recipient.as_bytes()).finalize();
        let short = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        format!("{event}.{short}@{}", self.shared.settings.from.email.domain())
    }

    /// The shop's name, as mails bear it.
    pub fn shop_name(&self) -> &str {
        &self.shared.settings.shop_name
    }

    /// Writes a letter as a message from the configured sender.
    pub fn compose(&self, letter: &Letter<'_>, message_id: &str) -> Result<Message, ComposeError> {
        self.compose_for_list(letter, message_id, None)
    }

    /// The same, of a letter that goes to many, with the address at which one click ends that for whoever got it (RFC
    /// 8058): it takes a POST from anybody who knows it.
    pub fn compose_for_list(
        &self,
        letter: &Letter<'_>,
        message_id: &str,
        leave: Option<&str>,
    ) -> Result<Message, ComposeError> {
        compose::compose(&self.shared.settings, letter, message_id, leave)
    }

    /// Waits until one more message may be under way.
    pub async fn slot(&self) -> Slot<'_> {
        let room = match &self.shared.transport {
            Transport::Smtp(pool) => Some(pool.room().await),
            Transport::Local(_) => None,
        };
        Slot { transport: &self.shared.transport, room }
    }

    /// How long one message can take at most, from its slot on.
    pub fn longest_send(&self) -> Duration {
        match &self.shared.settings.backend {
            MailBackend::Smtp(server) => server.timeouts.longest_send(),
            MailBackend::Console | MailBackend::Files(_) | MailBackend::ConsoleAndFiles(_) => local::SEND_AT_MOST,
        }
    }
}

/// The right to send one message.
pub struct Slot<'a> {
    transport: &'a Transport,
    room: Option<Room<'a>>,
}

impl Slot<'_> {
    /// Sends it; ends within [`Mailer::longest_send`].
    pub async fn send(self, message: &Message) -> Outcome {
        let span = tracing::info_span!(
            target: trace::TARGET, "send mail", otel.kind = "client", otel.status_code = field::Empty, outcome = field::Empty
        );
        let started = Instant::now();
        let outcome = self.hand_over(message).instrument(span.clone()).await;
        metrics::histogram!("orders_mail_send_seconds").record(started.elapsed().as_secs_f64());
        metrics::counter!("orders_mails_total", "outcome" => outcome.word()).increment(1);
        span.record("outcome", outcome.word());
        if !matches!(outcome, Outcome::Sent(_)) {
            span.record("otel.status_code", "error");
        }
        outcome
    }

    async fn hand_over(self, message: &Message) -> Outcome {
        match (self.transport, self.room) {
            (Transport::Smtp(pool), Some(room)) => pool.send(room, message).await,
            (Transport::Local(local), _) => local.send(message).await,
            (Transport::Smtp(_), None) => Outcome::Temporary("no connection is free".to_owned()),
        }
    }
}
