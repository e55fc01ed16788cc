//! Where the system's PostgreSQL is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use nix::unistd::User;

use crate::prerequisites::{missing, on_path};
use crate::process::is_root;

/// The directory that holds `postgres` and `initdb`: the one that `pg_config` names, else the newest of Debian's, else
/// one along `PATH`.
pub(super) fn directory() -> PathBuf {
    from_pg_config()
        .into_iter()
        .chain(debian())
        .chain(env::split_paths(&env::var_os("PATH").unwrap_or_default()))
        .find(|directory| is_complete(directory))
        .unwrap_or_else(|| missing("a PostgreSQL server", "postgresql"))
}

fn is_complete(directory: &Path) -> bool {
    ["postgres", "initdb"].iter().all(|program| directory.join(program).is_file())
}

fn from_pg_config() -> Option<PathBuf> {
    let output = Command::new(on_path("pg_config")?).arg("--bindir").output().ok()?;
    let directory = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(directory.trim_end()))
}

/// `/usr/lib/postgresql/<major>/bin`, the newest first.
fn debian() -> Vec<PathBuf> {
    let mut versions: Vec<u32> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|left, right| right.cmp(left));
    versions.into_iter().map(|major| Path::new("/usr/lib/postgresql").join(major.to_string()).join("bin")).collect()
}

/// The user to run the server as: it refuses to run as root. `None` means as ourselves.
pub(super) fn account() -> Option<User> {
    if !is_root() {
        return None;
    }
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .or_else(|| missing("a user `postgres` or `nobody`, as PostgreSQL does not run as root,", "postgresql"))
}
