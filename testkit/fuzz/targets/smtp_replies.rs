//! What an SMTP server says, through a real socket: greeting, capabilities, replies of whatever form.
#![no_main]

use consumers::mail::{Encryption, Letter, Message, Outcome, SmtpServer, SmtpTimeouts};
use consumers::{MailBackend, MailSettings, Mailer};
use libfuzzer_sys::fuzz_target;
use std::net::Ipv4Addr;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

const RECIPIENT: &str = "lovelace@example.com";

fuzz_target!(|data: &[u8]| {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));
    let outcome = runtime.block_on(send_to(data));
    let said = match &outcome {
        Outcome::Sent(said) | Outcome::Temporary(said) | Outcome::Permanent(said) | Outcome::Unknown(said) => said,
    };
    // While it connects, a server knows of no recipient that it could name.
    let connects = said.contains("connecting to the mail server");
    assert!(connects || !said.to_lowercase().contains("lovelace"), "the address shows: {said}");
    assert!(said.chars().count() < 1_000, "{said}");
    if matches!(outcome, Outcome::Sent(_)) {
        // A go-ahead for the message, and behind it a reply that takes it.
        let mut lines = data.split(|byte| *byte == b'\n');
        assert!(lines.any(|line| line.starts_with(b"354")) && lines.any(|line| line.starts_with(b"2")));
    }
});

/// Sends a mail to a server that says all of it at once, and hears the client out.
async fn send_to(replies: &[u8]) -> Outcome {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let serving = async {
        let (mut stream, _) = listener.accept().await.expect("a client");
        // The client may have hung up on what it heard.
        let _ = stream.write_all(replies).await;
        let _ = stream.shutdown().await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    };
    let mailer = mailer(port);
    let sending = async {
        let message = message(&mailer);
        let outcome = mailer.slot().await.send(&message).await;
        // Its pool holds the connection.
        drop(mailer);
        outcome
    };
    let bounded = tokio::time::timeout(Duration::from_secs(10), async { tokio::join!(serving, sending).1 });
    bounded.await.expect("it ends by itself")
}

fn mailer(port: u16) -> Mailer {
    let at_most = Duration::from_secs(1);
    let server = SmtpServer {
        host: Ipv4Addr::LOCALHOST.to_string(),
        port,
        encryption: Encryption::None,
        login: None,
        authority: None,
        connections: 1,
        timeouts: SmtpTimeouts { connect: at_most, envelope: at_most, message: at_most },
    };
    Mailer::new(MailSettings {
        backend: MailBackend::Smtp(Box::new(server)),
        from: "Shop <shop@example.com>".parse().expect("an address"),
        reply_to: None,
        shop_name: "Shop".to_owned(),
    })
    .expect("no TLS is set up")
}

fn message(mailer: &Mailer) -> Message {
    let letter = Letter {
        address: RECIPIENT,
        name: "Ada".to_owned(),
        subject: "Your order".to_owned(),
        text: "Thank you.".to_owned(),
        html: "<p>Thank you.</p>".to_owned(),
    };
    mailer.compose(&letter, "1@example.com").expect("a letter")
}
