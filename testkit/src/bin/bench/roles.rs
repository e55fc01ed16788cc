//! Processes of the measured program.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use testkit::{Launch, Program};

/// The program to measure: the one named, else the one beside this program. Under cargo it is built first, so that no
/// old one is measured.
pub fn program(named: Option<PathBuf>) -> PathBuf {
    if let Some(path) = named {
        return path;
    }
    if let Some(cargo) = env::var_os("CARGO") {
        let status = Command::new(cargo).args(["build", "--release", "--locked", "--package", "api"]).status();
        assert!(status.expect("cargo can be started").success(), "the program can't be built");
    }
    let beside = env::current_exe().expect("a process knows its executable").with_file_name("orders");
    assert!(beside.is_file(), "{} is missing: build it, or name another by --orders", beside.display());
    beside
}

/// A running process that serves HTTP.
pub struct Served {
    pub program: Program,
    pub address: SocketAddr,
}

impl Served {
    /// Starts it, and waits until it says where it serves: by a line that has `sign` and an address behind.
    pub async fn start(launch: &Launch, sign: &str) -> Self {
        let mut program = launch.spawn();
        let line = program.wait_for_line(sign).await;
        let text = line.split("address=").nth(1).unwrap_or_default();
        let address = text.split_whitespace().next().and_then(|text| text.parse().ok());
        Self { program, address: address.unwrap_or_else(|| panic!("no address in “{line}”")) }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(mut self) {
        self.program.sigterm();
        self.program.wait().await;
    }
}
