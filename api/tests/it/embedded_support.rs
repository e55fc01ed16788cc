//! The program with nothing configured, on a data directory of a test's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use testkit::{Launch, Program, eventually};

/// Longer than a start on a machine that builds beside it.
pub const BOUND: Duration = Duration::from_secs(60);

/// A place for data that PostgreSQL's user can reach. Removed at the end.
pub struct Place {
    top: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let top = tempfile::Builder::new().prefix("orders-").tempdir().unwrap();
        fs::set_permissions(top.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { top }
    }

    pub fn data(&self) -> PathBuf {
        self.top.path().join("data")
    }

    pub fn top(&self) -> &Path {
        self.top.path()
    }

    /// `orders ARGUMENTS` on these data.
    pub fn orders(&self, arguments: &[&str]) -> Launch {
        Launch::orders().args(arguments).env("ORDERS_DATA_DIR", self.data())
    }

    /// Starts the whole system and waits until it is ready.
    pub async fn start(&self) -> Program {
        ready(self.orders(&["--listen", "127.0.0.1:0"])).await
    }

    /// The private server's process, as its own file names it.
    pub fn postgres_pid(&self) -> u32 {
        let file = self.data().join("postgres/data/postmaster.pid");
        fs::read_to_string(file).unwrap().lines().next().unwrap().parse().unwrap()
    }
}

/// Starts it and waits for the whole welcome.
pub async fn ready(launch: Launch) -> Program {
    let started = Instant::now();
    let mut program = launch.spawn();
    let line = program.wait_for_line("orders is ready").await;
    program.wait_for_line("Stop with Ctrl-C").await;
    println!("{} ({:.2} s with the process's own start)", line, started.elapsed().as_secs_f64());
    program
}

/// Whether a process of that id is there, and not just waiting to be waited for.
pub fn lives(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

/// Waits until it is gone, and says how long that took.
pub async fn gone(pid: u32) {
    let started = Instant::now();
    eventually("PostgreSQL is gone", BOUND, async || !lives(pid)).await;
    println!("PostgreSQL was gone after {:.2} s", started.elapsed().as_secs_f64());
}

/// The curl of the welcome, word for word as it is printed.
pub fn printed_curl(program: &Program) -> String {
    let output = program.stdout();
    let start = output.find("curl ").expect("the welcome has a curl");
    output[start..].split("\n\n").next().unwrap().to_owned()
}

/// Places an order by the printed curl; the order.
pub async fn order_as_printed(program: &Program) -> serde_json::Value {
    let answer = answer_as_printed(program).await;
    assert!(answer["id"].is_string(), "{answer}");
    answer
}

/// Runs the printed curl in a shell; its answer, whatever it is.
pub async fn answer_as_printed(program: &Program) -> serde_json::Value {
    let answer = Launch::of("sh").args(["-c", &printed_curl(program)]).run().await.succeeded();
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}
