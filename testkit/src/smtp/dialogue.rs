//! One connection of the scripted server: the part of RFC 5321 that a submitting client needs.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::Mail;
use super::scripted::{Action, State, Step};

/// A line of a client, and a message, can't be longer.
const LINE_BYTES: u64 = 64 * 1024;
const MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// Talks until the client or the script ends it. An error is the client's hanging up, which is its right.
pub(super) async fn hold(stream: TcpStream, state: Arc<State>) {
    let mut dialogue =
        Dialogue { stream: BufReader::new(stream), state, sender: String::new(), recipients: Vec::new() };
    let _ = dialogue.run().await;
}

/// Whether the dialogue goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

struct Dialogue {
    stream: BufReader<TcpStream>,
    state: Arc<State>,
    sender: String,
    recipients: Vec<String>,
}

impl Dialogue {
    async fn run(&mut self) -> io::Result<()> {
        if self.step(Step::Connect, "220 scripted ESMTP").await? == Next::End {
            return Ok(());
        }
        while let Some(line) = self.line().await? {
            if self.command(&line).await? == Next::End {
                break;
            }
        }
        Ok(())
    }

    async fn command(&mut self, line: &str) -> io::Result<Next> {
        let upper = line.to_ascii_uppercase();
        if upper.starts_with("EHLO ") || upper.starts_with("HELO ") {
            let offers: String = self.state.offers().iter().map(|offer| format!("250-{offer}\r\n")).collect();
            self.step(Step::Hello, &format!("250-scripted\r\n250-8BITMIME\r\n{offers}250 SMTPUTF8")).await
        } else if upper == "STARTTLS" {
            self.step(Step::StartTls, "454 no TLS here").await
        } else if upper.starts_with("AUTH PLAIN ") {
            self.step(Step::Login, "235 welcome").await
        } else if upper.starts_with("MAIL FROM:") {
            self.forget();
            self.sender = address(line);
            self.step(Step::Sender, "250 sender ok").await
        } else if upper.starts_with("RCPT TO:") {
            self.recipient(address(line)).await
        } else if upper == "DATA" {
            self.data().await
        } else if upper == "RSET" {
            self.forget();
            self.step(Step::Reset, "250 forgotten").await
        } else if upper == "NOOP" {
            self.say("250 still here").await
        } else if upper == "QUIT" {
            self.say("221 bye").await?;
            Ok(Next::End)
        } else {
            self.say("502 not implemented").await
        }
    }

    async fn recipient(&mut self, address: String) -> io::Result<Next> {
        let fault = self.state.fault(Step::Recipient, std::slice::from_ref(&address));
        if let Some(next) = self.carry_out(fault).await? {
            return Ok(next);
        }
        self.recipients.push(address);
        self.say("250 recipient ok").await
    }

    async fn data(&mut self) -> io::Result<Next> {
        if self.recipients.is_empty() {
            return self.say("503 no recipient").await;
        }
        if let Some(next) = self.carry_out(self.state.fault(Step::Data, &self.recipients)).await? {
            return Ok(next);
        }
        self.say("354 go ahead").await?;
        let raw = self.message().await?;
        let fault = self.state.fault(Step::EndOfData, &self.recipients);
        let attempt = self.state.arrived(Mail {
            envelope_from: std::mem::take(&mut self.sender),
            envelope_to: std::mem::take(&mut self.recipients),
            login: None,
            encrypted: false,
            raw,
        });
        if let Some(next) = self.carry_out(fault).await? {
            return Ok(next);
        }
        // Before it is said: who has heard of it finds it noted.
        self.state.acknowledged(attempt);
        self.say("250 taken").await
    }

    /// The usual answer, unless the script has another for this step.
    async fn step(&mut self, step: Step, usual: &str) -> io::Result<Next> {
        match self.carry_out(self.state.fault(step, &self.recipients)).await? {
            Some(next) => Ok(next),
            None => self.say(usual).await,
        }
    }

    /// `None` when the usual answer is still to come: there is no fault, or only a delay.
    async fn carry_out(&mut self, fault: Option<Action>) -> io::Result<Option<Next>> {
        match fault {
            None => Ok(None),
            Some(Action::Delay(by)) => {
                sleep(by).await;
                Ok(None)
            }
            Some(Action::Reply(code, text)) => {
                self.say(&format!("{code} {text}")).await?;
                // 421 announces the end of the connection (RFC 5321, section 3.8).
                Ok(Some(if code == 421 { Next::End } else { Next::GoOn }))
            }
            Some(Action::HangUp) => Ok(Some(Next::End)),
            Some(Action::FallSilent) => {
                tokio::io::copy(&mut self.stream, &mut tokio::io::sink()).await?;
                Ok(Some(Next::End))
            }
        }
    }

    /// Reads up to the line with a lone dot, and takes the doubled dots out (RFC 5321, section 4.5.2).
    async fn message(&mut self) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let mut line = self.raw_line().await?;
            if line.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line == b".\r\n" {
                return Ok(message);
            }
            if line.first() == Some(&b'.') {
                line.remove(0);
            }
            message.append(&mut line);
            if message.len() > MESSAGE_BYTES {
                return Err(io::Error::other("the message is too long"));
            }
        }
    }

    /// A command without its line end; `None` at the connection's end.
    async fn line(&mut self) -> io::Result<Option<String>> {
        let line = self.raw_line().await?;
        Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).trim_end().to_owned()))
    }

    async fn raw_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.stream).take(LINE_BYTES).read_until(b'\n', &mut line).await?;
        Ok(line)
    }

    async fn say(&mut self, reply: &str) -> io::Result<Next> {
        self.stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        self.stream.flush().await?;
        Ok(Next::GoOn)
    }

    fn forget(&mut self) {
        self.sender.clear();
        self.recipients.clear();
    }
}

/// What stands between the outer angle brackets: a quoted local part may hold some of its own.
fn address(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>'));
    inside.map_or_else(String::new, |(address, _)| address.to_owned())
}
