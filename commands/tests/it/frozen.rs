//! A server that keeps its connections and answers nothing: a stopped virtual machine, a dead disk.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use testkit::postgres::PostgresServer;

/// All processes of a server, stopped until this is dropped.
pub struct Frozen {
    pids: Vec<Pid>,
}

impl Frozen {
    pub fn server(server: &PostgresServer) -> Self {
        let postmaster = Pid::from_raw(i32::try_from(server.pid()).unwrap());
        let mut frozen = Self { pids: vec![postmaster] };
        // First, so that no child comes after the others were counted.
        kill(postmaster, Signal::SIGSTOP).unwrap();
        frozen.pids.extend(children(postmaster));
        for pid in &frozen.pids {
            // A backend whose client left may have ended meanwhile.
            let _ = kill(*pid, Signal::SIGSTOP);
        }
        frozen
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.pids {
            let _ = kill(*pid, Signal::SIGCONT);
        }
    }
}

fn children(parent: Pid) -> Vec<Pid> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    pids.map(Pid::from_raw).filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// The fourth field of proc(5)'s `stat`; the second is the program's name in parentheses.
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
    parent.parse().ok().map(Pid::from_raw)
}
