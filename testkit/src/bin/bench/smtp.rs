//! An SMTP server that takes every mail, notes when it came, and keeps nothing else of it.
//!
//! The test kit's real one is Python and takes a few hundred mails a second: it would be what is measured.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Of addresses that got what they should not have.
const NAMED_AT_MOST: usize = 5;

/// A running server. It ends with this process.
pub struct Sink {
    address: SocketAddr,
    arrivals: Arc<Mutex<Arrivals>>,
}

/// What came.
#[derive(Default)]
struct Arrivals {
    /// When the first mail for each address had arrived in full, and how many did.
    by_address: HashMap<String, (Instant, u64)>,
    count: u64,
    last: Option<Instant>,
}

impl Sink {
    /// Starts it, in a thread of its own.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket can be told so");
        let address = listener.local_addr().expect("a bound socket");
        let arrivals = Arc::new(Mutex::new(Arrivals::default()));
        let shared = Arc::clone(&arrivals);
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listening socket");
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(converse(stream, Arc::clone(&shared)));
                }
            });
        };
        std::thread::Builder::new().name("smtp".to_owned()).spawn(serve).expect("a thread can be started");
        Self { address, arrivals }
    }

    /// Its URL, for `SMTP_URL`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// How many mails came, and when the last one did.
    pub fn count(&self) -> (u64, Option<Instant>) {
        let arrivals = lock(&self.arrivals);
        (arrivals.count, arrivals.last)
    }

    /// When the first mail for that address came.
    pub fn arrived(&self, address: &str) -> Option<Instant> {
        lock(&self.arrivals).by_address.get(address).map(|(first, _)| *first)
    }

    /// Addresses, a few at most, that got more than one mail.
    pub fn repeated(&self) -> Vec<String> {
        let arrivals = lock(&self.arrivals);
        let repeated = arrivals.by_address.iter().filter(|(_, (_, count))| *count > 1);
        repeated.map(|(address, (_, count))| format!("{address} ({count})")).take(NAMED_AT_MOST).collect()
    }

    /// Holds what came against the addresses that were to get a mail: one each, and nobody else any.
    ///
    /// # Panics
    /// When it is not so.
    pub fn assert_one_each(&self, addresses: &HashSet<String>) {
        assert_eq!(self.repeated(), Vec::<String>::new(), "addresses that got a mail more than once");
        let arrivals = lock(&self.arrivals);
        let missing = addresses.iter().filter(|address| !arrivals.by_address.contains_key(*address)).count();
        assert_eq!(missing, 0, "addresses without their mail");
        assert_eq!(arrivals.by_address.len(), addresses.len(), "mails that nobody was to get");
    }
}

/// The part of RFC 5321 that a submitting client needs. The client's hanging up ends it.
async fn converse(stream: TcpStream, arrivals: Arc<Mutex<Arrivals>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut stream, mut line, mut recipient) = (BufReader::new(stream), Vec::new(), String::new());
    stream.write_all(b"220 sink ESMTP\r\n").await?;
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let reply: &[u8] = match &*verb {
            b"EHLO" => b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            b"RCPT" => {
                recipient = between_brackets(&line);
                b"250 ok\r\n"
            }
            b"DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                read_message(&mut stream).await?;
                note(&arrivals, std::mem::take(&mut recipient));
                b"250 taken\r\n"
            }
            b"QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 ok\r\n",
        };
        stream.write_all(reply).await?;
    }
}

/// Up to the line with a lone dot.
async fn read_message(stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    let mut line = Vec::new();
    while line != b".\r\n" {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

fn between_brackets(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or_else(String::new, |(text, _)| text.to_owned())
}

fn note(arrivals: &Mutex<Arrivals>, recipient: String) {
    let now = Instant::now();
    let mut arrivals = lock(arrivals);
    arrivals.count += 1;
    arrivals.last = Some(now);
    arrivals.by_address.entry(recipient).or_insert((now, 0)).1 += 1;
}

fn lock(arrivals: &Mutex<Arrivals>) -> std::sync::MutexGuard<'_, Arrivals> {
    arrivals.lock().unwrap_or_else(PoisonError::into_inner)
}
