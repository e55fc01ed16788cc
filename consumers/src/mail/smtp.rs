//! The dialogue with an SMTP server (RFC 5321), in phases that tell what a failure means.
//!
//! lettre's own `send` hides in which phase it failed. So its connection is driven command by command here: what fails
//! before the message goes out can be tried again without harm; a cut or silence after that leaves its fate unknown.

use super::redact::redact;
use super::{Encryption, MailError, Message, Outcome, SmtpServer, SmtpTimeouts};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Opens connections to one server.
pub(super) struct Connector {
    server: SmtpServer,
    tls: Option<TlsParameters>,
    hello: ClientId,
}

impl Connector {
    pub(super) fn new(server: SmtpServer) -> Result<Self, MailError> {
        let tls = match server.encryption {
            Encryption::None => None,
            _ => Some(tls(&server.host, server.authority.as_deref())?),
        };
        Ok(Self { server, tls, hello: ClientId::default() })
    }

    pub(super) fn timeouts(&self) -> &SmtpTimeouts {
        &self.server.timeouts
    }

    /// Connects, encrypts and logs in. A failure here is about the server, never about a message, so even a 5yz (a
    /// wrong password) may be gone later.
    pub(super) async fn connect(&self) -> Result<Connection, String> {
        match tokio::time::timeout(self.server.timeouts.connect, self.greet()).await {
            Ok(Ok(connection)) => Ok(Connection { connection, messages: 0, usable: true }),
            Ok(Err(error)) => Err(format!("connecting to the mail server: {}", said(&error, ""))),
            Err(_) => Err("connecting to the mail server: no answer in time".to_owned()),
        }
    }

    async fn greet(&self) -> Result<AsyncSmtpConnection, Error> {
        let server = (self.server.host.as_str(), self.server.port);
        let wrapped = if self.server.encryption == Encryption::Tls { self.tls.clone() } else { None };
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, None, &self.hello, wrapped, None).await?;
        if let Some(tls) = &self.tls {
            let starttls = match self.server.encryption {
                Encryption::StartTls => true,
                Encryption::Opportunistic => connection.can_starttls(),
                Encryption::None | Encryption::Tls => false,
            };
            if starttls {
                connection.starttls(tls.clone(), &self.hello).await?;
            }
        }
        if let Some((user, password)) = &self.server.login {
            let credentials = Credentials::new(user.clone(), password.clone());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }
}

fn tls(host: &str, authority: Option<&Path>) -> Result<TlsParameters, MailError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = authority {
        let unusable = |fault: &dyn fmt::Display| MailError::Authority {
            path: path.display().to_string(),
            fault: fault.to_string(),
        };
        let pem = std::fs::read(path).map_err(|error| unusable(&error))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| unusable(&error))?);
    }
    builder.build().map_err(|error| MailError::Tls(error.to_string()))
}

/// An open connection.
pub(super) struct Connection {
    connection: AsyncSmtpConnection,
    messages: u32,
    usable: bool,
}

/// What came of sending over one connection.
pub(super) enum Sending {
    /// An outcome.
    Over(Outcome),
    /// The connection was dead before the message went out.
    Dead(String),
}

/// How the envelope failed.
enum Envelope {
    Refused(Outcome),
    Dead(String),
}

impl Connection {
    /// Whether another message can go over it.
    pub(super) fn is_usable(&self) -> bool {
        self.usable
    }

    /// How many have.
    pub(super) fn messages(&self) -> u32 {
        self.messages
    }

    pub(super) async fn send(&mut self, message: &Message, timeouts: &SmtpTimeouts) -> Sending {
        self.messages += 1;
        match within(timeouts.envelope, self.envelope(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(Envelope::Refused(outcome))) => {
                self.start_over(timeouts.envelope).await;
                return Sending::Over(outcome);
            }
            Ok(Err(Envelope::Dead(reason))) | Err(reason) => {
                self.usable = false;
                return Sending::Dead(format!("before the message: {reason}"));
            }
        }
        Sending::Over(self.message(message, timeouts.message).await)
    }

    async fn envelope(&mut self, message: &Message) -> Result<(), Envelope> {
        let recipient = message.envelope.to().first().map(ToString::to_string).unwrap_or_default();
        let parameters = self.mail_parameters(message)?;
        let fails = |verb: &str, error: &Error| fails(verb, error, &recipient);
        let mail = Mail::new(message.envelope.from().cloned(), parameters);
        self.connection.command(mail).await.map_err(|error| fails("MAIL FROM", &error))?;
        for to in message.envelope.to() {
            let rcpt = Rcpt::new(to.clone(), Vec::new());
            self.connection.command(rcpt).await.map_err(|error| fails(RCPT_TO, &error))?;
        }
        let go_ahead = self.connection.command(Data).await.map_err(|error| fails("DATA", &error))?;
        if go_ahead.has_code(354) {
            Ok(())
        } else {
            Err(Envelope::Dead(format!("the server answered {} to DATA", go_ahead.code())))
        }
    }

    fn mail_parameters(&self, message: &Message) -> Result<Vec<MailParameter>, Envelope> {
        let server = self.connection.server_info();
        let mut parameters = Vec::new();
        let lacks = |what: &str| Envelope::Refused(Outcome::Permanent(format!("the mail server does not take {what}")));
        let mut addresses = message.envelope.from().into_iter().chain(message.envelope.to());
        if !addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
            if !server.supports_feature(Extension::SmtpUtfEight) {
                return Err(lacks("addresses in other letters than ASCII (SMTPUTF8)"));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !message.bytes.is_ascii() {
            if !server.supports_feature(Extension::EightBitMime) {
                return Err(lacks("messages in other letters than ASCII (8BITMIME)"));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok(parameters)
    }

    /// Sends the message's content. Only a reply makes its fate known.
    async fn message(&mut self, message: &Message, at_most: Duration) -> Outcome {
        let recipient = message.envelope.to().first().map(ToString::to_string).unwrap_or_default();
        let sent = within(at_most, self.connection.command(Content(&message.bytes))).await;
        let outcome = match sent {
            Ok(Ok(response)) if response.code().severity == Severity::PositiveCompletion => {
                return Outcome::Sent(answer(&response, &recipient));
            }
            Ok(Ok(response)) => Outcome::Unknown(format!("after the message: {}", answer(&response, &recipient))),
            Ok(Err(error)) if error.is_transient() => {
                Outcome::Temporary(format!("after the message: {}", said(&error, &recipient)))
            }
            Ok(Err(error)) if error.is_permanent() => {
                Outcome::Permanent(format!("after the message: {}", said(&error, &recipient)))
            }
            Ok(Err(error)) => Outcome::Unknown(format!("after the message: {}", said(&error, &recipient))),
            Err(silence) => Outcome::Unknown(format!("after the message: {silence}")),
        };
        self.usable = false;
        outcome
    }

    /// After a refused envelope: the connection goes on from the start, if the server is still there.
    async fn start_over(&mut self, at_most: Duration) {
        self.usable = matches!(within(at_most, self.connection.command(Rset)).await, Ok(Ok(_)));
    }
}

async fn within<T>(at_most: Duration, future: impl Future<Output = T>) -> Result<T, String> {
    tokio::time::timeout(at_most, future).await.map_err(|_| format!("no answer within {} s", at_most.as_secs_f32()))
}

/// The command that names the recipient.
const RCPT_TO: &str = "RCPT TO";

/// What a failed command of the envelope means. 421 announces that the connection ends.
fn fails(verb: &str, error: &Error, recipient: &str) -> Envelope {
    let text = format!("{verb}: {}", said(error, recipient));
    if error.status().is_some_and(|code| u16::from(code) == 421) {
        Envelope::Dead(text)
    } else if error.is_permanent() {
        Envelope::Refused(if verb == RCPT_TO { Outcome::NoRecipient(text) } else { Outcome::Permanent(text) })
    } else if error.is_transient() {
        Envelope::Refused(Outcome::Temporary(text))
    } else {
        Envelope::Dead(text)
    }
}

/// What the server, or the network, said: without addresses.
fn said(error: &Error, recipient: &str) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    let text = match error.status() {
        Some(code) => format!("{code} {}", source.unwrap_or_default()),
        None => error.to_string(),
    };
    redact(&text, recipient)
}

fn answer(response: &Response, recipient: &str) -> String {
    let text: Vec<&str> = response.message().collect();
    redact(&format!("{} {}", response.code(), text.join(" ")), recipient)
}

/// A message's content as it goes over the wire: leading dots doubled, ended by a lone dot (RFC 5321, section 4.5.2).
/// One write: in two the second would wait for the acknowledgement of the first (Nagle's algorithm).
struct Content<'a>(&'a [u8]);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // lettre composes text: nothing is lost here.
        let text = String::from_utf8_lossy(self.0);
        for line in text.trim_end_matches("\r\n").split("\r\n") {
            if line.starts_with('.') {
                f.write_str(".")?;
            }
            f.write_str(line)?;
            f.write_str("\r\n")?;
        }
        f.write_str(".\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::Content;

    #[test]
    fn leading_dots_are_doubled_and_a_lone_one_ends_it() {
        let content = b"Subject: x\r\n\r\n.\r\n..two\r\nplain.\r\n";
        assert_eq!(Content(content).to_string(), "Subject: x\r\n\r\n..\r\n...two\r\nplain.\r\n.\r\n");
        assert_eq!(Content(b"no line end").to_string(), "no line end\r\n.\r\n");
    }
}
