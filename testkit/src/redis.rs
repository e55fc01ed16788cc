//! Redis servers, each of a test's own: killed, paused, emptied, and started again on the same port.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::Launch;
use crate::ports::free_port;
use crate::prerequisites::require;
use crate::process::{self, Directory, Service};

const START_BOUND: Duration = Duration::from_secs(30);

/// How often other ports are tried when the one chosen was taken meanwhile.
const PORTS_TRIED: usize = 5;

/// A Redis server on 127.0.0.1. What it holds survives a start only if it was told to save it.
#[derive(Debug)]
pub struct RedisServer {
    // Dropped in this order: the server first, then its directory.
    service: Service,
    directory: Directory,
    port: u16,
    password: Option<String>,
}

impl RedisServer {
    /// Starts one that lets everybody in.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Starts one that asks for a password.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub fn start_with_password(password: &str) -> Self {
        Self::start_with(Some(password.to_owned()))
    }

    fn start_with(password: Option<String>) -> Self {
        let directory = Directory::new("redis", None);
        for _ in 0..PORTS_TRIED {
            let port = free_port();
            if let Ok(service) = spawn(&directory, port, password.as_deref()) {
                return Self { service, directory, port, password };
            }
        }
        panic!("Redis found its port taken {PORTS_TRIED} times, one after the other")
    }

    /// Where programs find it, with its password.
    pub fn url(&self) -> String {
        let login = self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{login}127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once.
    ///
    /// # Panics
    /// When it lives on.
    pub fn kill(&mut self) {
        self.service.stop(Signal::SIGKILL);
    }

    /// Starts it again, on the same port, with what it saved.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn start_again(&mut self) {
        self.service =
            spawn(&self.directory, self.port, self.password.as_deref()).unwrap_or_else(|log| panic!("{log}"));
    }

    /// Has it hang: it takes connections, as the system does that for it, and answers nothing.
    pub fn pause(&self) {
        self.service.signal(Signal::SIGSTOP);
    }

    /// Has it go on after a pause.
    pub fn go_on(&self) {
        self.service.signal(Signal::SIGCONT);
    }

    /// Gives it a command, and returns what it answers, one value a line.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn tell(&self, command: &[&str]) -> String {
        let port = self.port.to_string();
        let mut client = Launch::of(require("redis-cli", "redis-tools")).args(["-h", "127.0.0.1", "-p", &port]);
        if let Some(password) = &self.password {
            client = client.env("REDISCLI_AUTH", password);
        }
        client.args(command).run().await.succeeded()
    }
}

fn spawn(directory: &Directory, port: u16, password: Option<&str>) -> Result<Service, String> {
    let mut command = process::command(&require("redis-server", "redis-server"), Signal::SIGKILL, None);
    command.env_clear().args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    // It saves when it is told to, and never by itself.
    command.args(["--save", "", "--appendonly", "no"]).arg("--dir").arg(directory.path());
    if let Some(password) = password {
        command.args(["--requirepass", password]);
    }
    let mut service = Service::spawn("redis", command, directory.join("redis.log"));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if service.wait_until(START_BOUND, || TcpStream::connect(address).is_ok()) {
        return Ok(service);
    }
    let log = service.log_tail();
    assert!(log.contains("Address already in use"), "Redis ended at its start; its log ends:\n{log}");
    Err(log)
}
