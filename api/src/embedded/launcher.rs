//! Starts PostgreSQL's programs as the user they need, tied to our life.
//!
//! The kernel is asked to interrupt the server when we die (`PR_SET_PDEATHSIG`), however we die. Changing the user
//! undoes that request, so it must be made after it and before the server's program is executed: in between runs code
//! of ours. Instead of running that between `fork` and `exec`, where hardly anything is allowed, we start ourselves
//! with a marker as first argument; that copy changes its user, asks the kernel, and becomes the server. Its process id
//! stays.
//!
//! The request is bound to the *thread* that started the copy: start it from one that lives as long as the process.

use super::account::Account;
use nix::unistd::{Gid, Pid, Uid, getppid, setgid, setuid};
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const MARKER: &str = "--become";

/// Stands for "the user that we are".
const SELF: &str = "-";

/// A command that becomes `program`, as `account` if there is one, and is interrupted when this process dies. It has a
/// process group of its own: Ctrl-C in a terminal reaches us alone, and we take it along.
///
/// It hands on nothing of our environment but what its caller adds.
pub(crate) fn command(program: &Path, account: Option<&Account>) -> io::Result<Command> {
    let mut command = Command::new(own_executable()?);
    let (uid, gid) = match account {
        Some(account) => (account.uid.to_string(), account.gid.to_string()),
        None => (SELF.to_owned(), SELF.to_owned()),
    };
    command.args([MARKER, &std::process::id().to_string(), &uid, &gid]).arg(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").process_group(0);
    Ok(command)
}

/// Also when the file has been replaced by a newer build since we started.
fn own_executable() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { env::current_exe() }
}

/// Becomes another program when this process was started by [`command`]; returns at once otherwise. First thing in
/// `main`.
pub fn become_if_asked() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != MARKER) {
        return None;
    }
    let error = become_program(arguments);
    eprintln!("orders: a program of PostgreSQL could not be started: {error}");
    Some(ExitCode::FAILURE)
}

fn become_program(mut arguments: impl Iterator<Item = OsString>) -> io::Error {
    let mut next = || arguments.next().ok_or_else(|| io::Error::other("an argument is missing"));
    let prepared: io::Result<PathBuf> = (|| {
        let parent = number(&next()?)?;
        let (uid, gid) = (next()?, next()?);
        if uid != SELF {
            let gid = Gid::from_raw(number(&gid)?);
            change_user(Uid::from_raw(number(&uid)?), gid)?;
        }
        die_with_parent(parent)?;
        next().map(PathBuf::from)
    })();
    match prepared {
        Ok(program) => {
            let error = Command::new(&program).args(arguments).exec();
            io::Error::new(error.kind(), format!("{}: {error}", program.display()))
        }
        Err(error) => error,
    }
}

fn change_user(uid: Uid, gid: Gid) -> io::Result<()> {
    // Root's own groups must not stay.
    #[cfg(target_os = "linux")]
    nix::unistd::setgroups(&[gid])?;
    setgid(gid)?;
    setuid(uid)?;
    Ok(())
}

fn die_with_parent(parent: u32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGINT)?;
    // It may have died before the request: then nobody would tell us.
    if getppid() != Pid::from_raw(parent.cast_signed()) {
        return Err(io::Error::other("its parent has ended"));
    }
    Ok(())
}

fn number(text: &OsStr) -> io::Result<u32> {
    text.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| io::Error::other("an argument is not a number"))
}
