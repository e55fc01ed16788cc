//! Where mail goes, and from whom it is.

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::{Host, Url};

const SMTP_PORT: u16 = 25;
const SUBMISSION_PORT: u16 = 587;
const SUBMISSIONS_PORT: u16 = 465;

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Where it goes.
    pub backend: MailBackend,
    /// Whom it is from, in its envelope and its head.
    pub from: Mailbox,
    /// Where answers go, if not there.
    pub reply_to: Option<Mailbox>,
    /// The shop's name, as it stands in the mails.
    pub shop_name: String,
}

/// Where mail goes.
#[derive(Debug, Clone)]
pub enum MailBackend {
    /// To a server.
    Smtp(Box<SmtpServer>),
    /// To standard output, for people.
    Console,
    /// Into a directory, one `.eml` file each.
    Files(PathBuf),
    /// Both.
    ConsoleAndFiles(PathBuf),
}

/// An SMTP server and how it is used.
#[derive(Clone)]
pub struct SmtpServer {
    /// Its name, which its certificate must bear, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub encryption: Encryption,
    /// User and password.
    pub login: Option<(String, String)>,
    /// A certificate authority (PEM) that is trusted besides those of the system.
    pub authority: Option<PathBuf>,
    /// How many connections there are at most.
    pub connections: usize,
    /// How long things may take.
    pub timeouts: SmtpTimeouts,
}

/// Whether a connection to an SMTP server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// By STARTTLS if the server offers it: no protection from who can change what it offers.
    Opportunistic,
    /// By STARTTLS, or not at all.
    StartTls,
    /// From the first byte.
    Tls,
}

/// How long the parts of a send may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmtpTimeouts {
    /// Connecting, TLS and login together.
    pub connect: Duration,
    /// From `MAIL FROM` to the go-ahead for the message.
    pub envelope: Duration,
    /// From the message's first byte to the server's reply.
    pub message: Duration,
}

impl Default for SmtpTimeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), envelope: Duration::from_secs(15), message: Duration::from_secs(30) }
    }
}

impl SmtpTimeouts {
    /// A pooled connection that turns out dead is followed by one attempt on a fresh one. There, an accepted envelope
    /// is followed by the message, a refused one by a reset, which has as long as an envelope.
    pub(crate) fn longest_send(&self) -> Duration {
        2 * self.envelope + self.connect + self.message.max(self.envelope)
    }
}

/// Why mail can't be sent at all, as configured. Holds no password.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The URL is none.
    #[error("the mail URL can't be read: {0}; {FORMS}")]
    Url(#[from] url::ParseError),
    /// The URL is of another form.
    #[error("the mail URL is not of a known form: {0}; {FORMS}")]
    Form(&'static str),
    /// A password would go over the network in clear.
    #[error(
        "the mail URL has a password, but no encryption: write smtps://… (TLS) or smtp://…?tls=required (STARTTLS). In \
         clear it goes only to this machine itself"
    )]
    PasswordInClear,
    /// The file of the certificate authority can't be used.
    #[error("the certificate authority for mail, {path}, can't be used: {fault}")]
    Authority {
        /// The file.
        path: String,
        /// Why.
        fault: String,
    },
    /// TLS can't be set up.
    #[error("TLS for mail can't be set up: {0}")]
    Tls(String),
    /// The directory can't be used.
    #[error("mails can't be written to {path}: {fault}")]
    Directory {
        /// The directory.
        path: String,
        /// Why.
        fault: std::io::Error,
    },
}

const FORMS: &str = "known are smtp://[user:password@]host[:port][?tls=required|opportunistic], \
                     smtps://[user:password@]host[:port], console:, file:///directory";

impl MailBackend {
    /// Parses a URL: `smtps://user:password@host` (TLS, port 465), `smtp://user:password@host?tls=required` (STARTTLS,
    /// port 587), `smtp://host` (in clear, port 25; with a password only to this machine itself), `console:`,
    /// `file:///directory`. User and password are percent-encoded. `authority` is the PEM file of a certificate
    /// authority that is trusted besides the system's.
    pub fn parse(url: &str, authority: Option<&Path>) -> Result<Self, MailError> {
        let url = Url::parse(url)?;
        match url.scheme() {
            "smtp" | "smtps" => SmtpServer::parse(&url, authority).map(|server| Self::Smtp(Box::new(server))),
            "console" => Ok(Self::Console),
            "file" => {
                url.to_file_path().map(Self::Files).map_err(|()| MailError::Form("the path of file: is absolute"))
            }
            _ => Err(MailError::Form("its scheme is none of smtp, smtps, console, file")),
        }
    }
}

impl SmtpServer {
    fn parse(url: &Url, authority: Option<&Path>) -> Result<Self, MailError> {
        let host = url.host().ok_or(MailError::Form("the host is missing"))?;
        let encryption = encryption(url)?;
        let login = login(url)?;
        if login.is_some() && matches!(encryption, Encryption::None | Encryption::Opportunistic) && !is_here(&host) {
            return Err(MailError::PasswordInClear);
        }
        let default_port = match encryption {
            Encryption::None => SMTP_PORT,
            Encryption::Opportunistic | Encryption::StartTls => SUBMISSION_PORT,
            Encryption::Tls => SUBMISSIONS_PORT,
        };
        Ok(Self {
            // Without the brackets in which an IPv6 address stands in a URL.
            host: match host {
                Host::Domain(name) => name.to_owned(),
                Host::Ipv4(address) => address.to_string(),
                Host::Ipv6(address) => address.to_string(),
            },
            port: url.port().unwrap_or(default_port),
            encryption,
            login,
            authority: authority.map(Path::to_owned),
            connections: 16,
            timeouts: SmtpTimeouts::default(),
        })
    }
}

fn encryption(url: &Url) -> Result<Encryption, MailError> {
    let mut encryption = if url.scheme() == "smtps" { Encryption::Tls } else { Encryption::None };
    for (name, value) in url.query_pairs() {
        encryption = match (url.scheme(), &*name, &*value) {
            ("smtp", "tls", "required") => Encryption::StartTls,
            ("smtp", "tls", "opportunistic") => Encryption::Opportunistic,
            _ => return Err(MailError::Form("its only parameter is tls=required or tls=opportunistic, with smtp:")),
        };
    }
    Ok(encryption)
}

fn login(url: &Url) -> Result<Option<(String, String)>, MailError> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(MailError::Form("a user without password, or the other way round")),
        (user, Some(password)) => match (decoded(user), decoded(password)) {
            (Ok(user), Ok(password)) => Ok(Some((user, password))),
            _ => Err(MailError::Form("user and password are UTF-8, percent-encoded")),
        },
    }
}

fn is_here(host: &Host<&str>) -> bool {
    match host {
        // In URLs of schemes that the web does not know, an IPv4 address stands as a name.
        Host::Domain(name) => {
            *name == "localhost" || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("encryption", &self.encryption)
            .field("login", &self.login.as_ref().map(|_| "…"))
            .field("authority", &self.authority)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(url: &str) -> SmtpServer {
        match MailBackend::parse(url, None) {
            Ok(MailBackend::Smtp(server)) => *server,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn urls_say_encryption_port_and_login() {
        let server = smtp("smtps://shop:p%40ss@mail.example");
        assert_eq!((server.port, server.encryption), (465, Encryption::Tls));
        assert_eq!(server.login, Some(("shop".to_owned(), "p@ss".to_owned())));
        assert_eq!(smtp("smtp://mail.example?tls=required").port, 587);
        assert_eq!(smtp("smtp://mail.example").port, 25);
        assert_eq!(smtp("smtp://[::1]:2525").host, "::1");
    }

    #[test]
    fn a_password_in_clear_goes_to_this_machine_alone() {
        let refused = MailBackend::parse("smtp://a:b@mail.example", None);
        assert!(matches!(refused, Err(MailError::PasswordInClear)), "{refused:?}");
        assert!(smtp("smtp://a:b@127.0.0.1:1025").login.is_some());
    }

    #[test]
    fn other_forms_are_refused_and_passwords_not_shown() {
        for url in ["http://mail.example", "smtp://mail.example?tls=maybe", "smtps://mail.example?x=1", "smtp://a@b"] {
            assert!(MailBackend::parse(url, None).is_err(), "{url}");
        }
        assert!(!format!("{:?}", smtp("smtps://shop:geheim@mail.example")).contains("geheim"));
    }
}
