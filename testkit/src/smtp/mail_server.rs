//! A real SMTP server whose mailboxes a test reads.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::Mail;
use crate::eventually;
use crate::ports::free_port;
use crate::prerequisites::{python, workspace};
use crate::process::{self, Directory, Service};
use crate::tls::Certificates;

const START_BOUND: Duration = Duration::from_secs(30);

/// How often other ports are tried when one of those chosen was taken meanwhile.
const PORTS_TRIED: usize = 5;

const USER: &str = "orders";

/// A running server on 127.0.0.1 that takes mail for any address, by STARTTLS or TLS, after a login. Its certificate is
/// made for `localhost`; the client under test needs the authority's.
#[derive(Debug)]
pub struct MailServer {
    // Dropped in this order: the server first, then its directory.
    service: Mutex<Option<Service>>,
    directory: Directory,
    starttls_port: u16,
    tls_port: u16,
    password: String,
    certificates: Certificates,
}

impl MailServer {
    /// The server that all tests of this process share, started by whoever asks first: use addresses of your own.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MailServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of one's own, for tests that stop it.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn start() -> Self {
        let directory = Directory::new("smtp", None);
        let certificates = Certificates::make(directory.path());
        fs::create_dir(mailbox(&directory)).expect("the directory can be written");
        let password = format!("{:032x}", rand::random::<u128>());
        let service = Mutex::new(None);
        let mut server = Self { service, directory, starttls_port: 0, tls_port: 0, password, certificates };
        for _ in 0..PORTS_TRIED {
            (server.starttls_port, server.tls_port) = (free_port(), free_port());
            match server.launch() {
                Ok(service) => {
                    *server.service() = Some(service);
                    return server;
                }
                Err(log) => {
                    assert!(log.contains("address already in use"), "the mail server ended at its start:\n{log}");
                }
            }
        }
        panic!("the mail server found one of its ports taken {PORTS_TRIED} times, one after the other")
    }

    /// The URL of the port with STARTTLS, with the login.
    pub fn starttls_url(&self) -> String {
        self.starttls_url_by(self.starttls_port)
    }

    /// The same by way of a proxy that listens on `port` and leads to [`starttls_port`](Self::starttls_port).
    pub fn starttls_url_by(&self, port: u16) -> String {
        format!("smtp://{USER}:{}@localhost:{port}?tls=required", self.password)
    }

    /// The port with STARTTLS.
    pub fn starttls_port(&self) -> u16 {
        self.starttls_port
    }

    /// The URL of the port with TLS from the start, with the login.
    pub fn tls_url(&self) -> String {
        format!("smtps://{USER}:{}@localhost:{}", self.password, self.tls_port)
    }

    /// The login's name.
    pub fn user(&self) -> &'static str {
        USER
    }

    /// The login's password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The authority that a client must trust.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// All that was taken so far, in order of arrival. What the client was told is stored, is.
    pub fn mails(&self) -> Vec<Mail> {
        let mut files: Vec<PathBuf> = fs::read_dir(mailbox(&self.directory))
            .expect("the mailbox can be read")
            .map(|entry| entry.expect("the mailbox can be read").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "mail"))
            .collect();
        files.sort();
        files.iter().map(|file| read(file)).collect()
    }

    /// What was taken for one address so far.
    pub fn mailbox(&self, address: &str) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.is_for(address)).collect()
    }

    /// Waits until at least `count` mails have come for the address, and gives all of them.
    ///
    /// # Panics
    /// When they have not come within the bound.
    pub async fn wait_for(&self, address: &str, count: usize, bound: Duration) -> Vec<Mail> {
        eventually(&format!("{count} mails have come for {address}"), bound, async || {
            let mails = self.mailbox(address);
            if mails.len() >= count { Ok(mails) } else { Err(format!("{} have come", mails.len())) }
        })
        .await
    }

    /// Stops it: connections are refused. Its mailboxes stay.
    ///
    /// # Panics
    /// When it is not running.
    pub fn kill(&self) {
        self.service().take().expect("the mail server is not running").stop(Signal::SIGKILL);
    }

    /// Starts it again on the same ports, with its mailboxes.
    ///
    /// # Panics
    /// When it is running, or does not come up.
    pub fn restart(&self) {
        assert!(self.service().is_none(), "the mail server is running");
        let service = self.launch().unwrap_or_else(|log| panic!("the mail server did not start again:\n{log}"));
        *self.service() = Some(service);
    }

    /// The log, when it ended instead of listening.
    fn launch(&self) -> Result<Service, String> {
        let mut command = process::command(&python(), Signal::SIGKILL, None);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .arg("-I")
            .arg(workspace().join("testkit/smtp/server.py"))
            .args([self.starttls_port.to_string(), self.tls_port.to_string()])
            .arg(mailbox(&self.directory))
            .args([self.certificates.certificate(), self.certificates.key()])
            .arg(USER)
            .stdin(Stdio::piped());
        let mut service = Service::spawn("the mail server", command, self.directory.join("server.log"));
        let mut input = service.take_input().expect("its input is piped");
        // It may have ended by now; its log tells why.
        let _ = writeln!(input, "{}", self.password);
        let listens = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        if service.wait_until(START_BOUND, || listens(self.starttls_port) && listens(self.tls_port)) {
            Ok(service)
        } else {
            Err(service.log_tail())
        }
    }

    fn service(&self) -> MutexGuard<'_, Option<Service>> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mailbox(directory: &Directory) -> PathBuf {
    directory.join("mailbox")
}

/// One line of JSON, then the message: as `testkit/smtp/server.py` writes it.
fn read(file: &Path) -> Mail {
    let content = fs::read(file).expect("the mailbox can be read");
    let line_end = content.iter().position(|byte| *byte == b'\n').expect("the first line is the envelope");
    let head: Value = serde_json::from_slice(&content[..line_end]).expect("the envelope is JSON");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Mail {
        envelope_from: text(&head["from"]).unwrap_or_default(),
        envelope_to: head["to"].as_array().into_iter().flatten().filter_map(text).collect(),
        login: text(&head["login"]),
        encrypted: head["tls"] == true,
        raw: content[line_end + 1..].to_vec(),
    }
}
