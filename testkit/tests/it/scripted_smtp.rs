//! The scripted SMTP server, spoken to by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use testkit::smtp::{Fault, Scripted, Step};

/// A client that knows the lines of RFC 5321 and nothing else.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn connect(server: &Scripted) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// The code of the next reply, over all its lines; 0 at the end of the connection.
    fn reply(&mut self) -> u16 {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).unwrap_or(0) == 0 {
                return 0;
            }
            if line.as_bytes()[3] != b'-' {
                return line[..3].parse().unwrap();
            }
        }
    }

    fn say(&mut self, line: &str) -> u16 {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.reply()
    }

    /// Sends one mail; gives the codes of greeting, EHLO, MAIL, RCPT, DATA and the end of data, up to the first
    /// failure.
    fn mail(server: &Scripted, to: &str) -> Vec<u16> {
        let mut client = Self::connect(server);
        let mut codes = vec![client.reply()];
        let recipient = format!("RCPT TO:<{to}>");
        let body = "Subject: hello\r\n\r\n..a dotted line\r\nthe end\r\n.";
        for line in ["EHLO test", "MAIL FROM:<shop@example.com>", &recipient, "DATA", body] {
            if codes.last().is_some_and(|code| !(200..400).contains(code)) {
                break;
            }
            codes.push(client.say(line));
        }
        codes
    }
}

#[test]
fn left_alone_it_takes_mail() {
    let server = Scripted::start();
    assert_eq!(Client::mail(&server, "ada@example.com"), [220, 250, 250, 250, 354, 250]);
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].envelope_from, "shop@example.com");
    assert_eq!(received[0].envelope_to, ["ada@example.com"]);
    assert_eq!(received[0].subject(), "hello");
    assert_eq!(received[0].text().as_deref(), Some(".a dotted line\r\nthe end\r\n"));
    assert_eq!(server.connections(), 1);
}

#[test]
fn one_connection_takes_several_mails() {
    let server = Scripted::start();
    let mut client = Client::connect(&server);
    assert_eq!(client.reply(), 220);
    assert_eq!(client.say("EHLO test"), 250);
    for _ in 0..2 {
        assert_eq!(client.say("MAIL FROM:<shop@example.com>"), 250);
        assert_eq!(client.say("RCPT TO:<ada@example.com>"), 250);
        assert_eq!(client.say("DATA"), 354);
        assert_eq!(client.say("Subject: hello\r\n\r\nhello\r\n."), 250);
    }
    assert_eq!(client.say("QUIT"), 221);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn it_refuses_at_each_step_with_the_code_asked_for() {
    let steps = [Step::Connect, Step::Hello, Step::Sender, Step::Recipient, Step::Data, Step::EndOfData];
    for (place, step) in steps.into_iter().enumerate() {
        let server = Scripted::start();
        server.script(Fault::reply(step, 451, "come back later").times(1));
        let codes = Client::mail(&server, "ada@example.com");
        assert_eq!((codes.len(), codes.last()), (place + 1, Some(&451)), "{step:?}");
        assert!(server.received().is_empty(), "{step:?}");
        assert_eq!(server.attempts().len(), usize::from(step == Step::EndOfData), "{step:?}");
        assert_eq!(Client::mail(&server, "ada@example.com").last(), Some(&250), "once only, at {step:?}");
    }
}

#[test]
fn it_hangs_up_after_the_message_has_arrived() {
    let server = Scripted::start();
    server.script(Fault::hang_up(Step::EndOfData));
    assert_eq!(Client::mail(&server, "ada@example.com"), [220, 250, 250, 250, 354, 0]);
    let attempts = server.attempts();
    assert_eq!(attempts.len(), 1);
    assert!(!attempts[0].acknowledged);
    server.behave();
    assert_eq!(Client::mail(&server, "ada@example.com").last(), Some(&250));
}

#[test]
fn it_falls_silent_for_one_mailbox_only() {
    let server = Scripted::start();
    server.script(Fault::fall_silent(Step::EndOfData).only_for("Slow@example.com"));
    let mut client = Client::connect(&server);
    assert_eq!(client.reply(), 220);
    for (line, code) in
        [("HELO test", 250), ("MAIL FROM:<shop@example.com>", 250), ("RCPT TO:<slow@example.com>", 250), ("DATA", 354)]
    {
        assert_eq!(client.say(line), code);
    }
    client.stream.get_mut().write_all(b"Subject: hello\r\n\r\nhello\r\n.\r\n").unwrap();
    assert_eq!(Client::mail(&server, "quick@example.com").last(), Some(&250), "meanwhile");

    client.stream.get_ref().set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let silence = client.stream.read(&mut [0]).unwrap_err();
    assert_eq!(silence.kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(server.attempts().len(), 2);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn it_answers_late_when_told_to() {
    let (server, delay) = (Scripted::start(), Duration::from_millis(200));
    server.script(Fault::delay(Step::EndOfData, delay));
    let before = Instant::now();
    assert_eq!(Client::mail(&server, "ada@example.com").last(), Some(&250));
    assert!(before.elapsed() >= delay);
}

#[test]
fn the_last_fault_added_goes_first() {
    let server = Scripted::start();
    server.script(Fault::reply(Step::Recipient, 550, "no such mailbox"));
    server.script(Fault::reply(Step::Recipient, 450, "busy").times(1));
    assert_eq!(Client::mail(&server, "ada@example.com").last(), Some(&450));
    assert_eq!(Client::mail(&server, "ada@example.com").last(), Some(&550));
}

#[test]
fn dropped_it_refuses_connections() {
    let server = Scripted::start();
    let port = server.port();
    let mut client = Client::connect(&server);
    assert_eq!(client.reply(), 220);
    drop(server);
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < deadline, "it still listens");
        std::thread::yield_now();
    }
    assert_eq!(client.reply(), 0, "open connections end too");
}
