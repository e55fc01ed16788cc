//! The disk: that there is one below the data, and one that flushes as slowly as a cloud's.

use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Makes `fdatasync` and `fsync` take a millisecond more.
const SLOW_FDATASYNC: &str = include_str!("slow_fdatasync.c");
const SLOW_FDATASYNC_OBJECT: &str = "slow_fdatasync.so";

/// The servers' data go below the temporary directory: in memory a flush would cost nothing.
pub fn check_temporary_directory() {
    let directory = std::env::temp_dir();
    let found = statfs(&directory).expect("the temporary directory's file system can be asked for");
    assert!(
        found.filesystem_type() != TMPFS_MAGIC,
        "{} is in memory: set TMPDIR to a directory on disk that all users can reach",
        directory.display()
    );
}

/// Compiles what slows flushes down into a directory that every user can read: PostgreSQL runs as one of its own.
pub fn slow_flush() -> TempDir {
    let directory = tempfile::tempdir().expect("the temporary directory can be written");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("one's own directory");
    let source = directory.path().join("slow_fdatasync.c");
    fs::write(&source, SLOW_FDATASYNC).expect("the directory can be written");
    let mut compile = Command::new("cc");
    compile.args(["-O2", "-Wall", "-shared", "-fPIC", "-o"]).arg(object(directory.path())).arg(&source);
    let status = compile.status().expect("a C compiler is installed (Debian: gcc)");
    assert!(status.success(), "cc could not compile {}", source.display());
    directory
}

/// What is to be preloaded, of a directory that [`slow_flush`] made.
pub fn object(directory: &Path) -> std::path::PathBuf {
    directory.join(SLOW_FDATASYNC_OBJECT)
}

/// A preloaded object that can't be read is passed over with a warning: so it is looked for.
pub fn check_preloaded(pid: u32) {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("a process of ours");
    assert!(maps.contains(SLOW_FDATASYNC_OBJECT), "PostgreSQL did not load {SLOW_FDATASYNC_OBJECT}");
}
