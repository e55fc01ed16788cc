//! Which PostgreSQL programs to run: those that are installed, the newest first; else ones fetched once.

use super::super::account::Account;
use super::{PostgresError, fetch};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Where packages of Linux distributions, and of Homebrew, put a version's `bin` directory: parent, prefix of the
/// entry, and what comes below it.
const PACKAGED: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

/// A directory with `postgres` and `initdb` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub directory: PathBuf,
    pub major: u32,
}

impl Binaries {
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// What to look for.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// The one directory to use, if the operator named one.
    pub named: Option<&'a Path>,
    /// Where fetched programs are kept.
    pub fetched: &'a Path,
    /// The major version that made the data, if there are data: no other can read them.
    pub major: Option<u32>,
    /// Who will run them.
    pub account: Option<&'a Account>,
}

/// Finds programs that fit, fetching them if none is installed.
pub(super) async fn find_or_fetch(wanted: &Wanted<'_>) -> Result<Binaries, PostgresError> {
    if let Some(directory) = wanted.named {
        let named = inspect(directory).ok_or_else(|| PostgresError::NotThere(directory.display().to_string()))?;
        return if fits(&named, wanted) { Ok(named) } else { Err(unfit(wanted, &[named.major])) };
    }
    let installed = installed(wanted);
    if let Some(newest) = installed.values().rev().find(|binaries| fits(binaries, wanted)) {
        return Ok(newest.clone());
    }
    let majors: Vec<u32> = installed.into_keys().collect();
    let major = wanted.major.unwrap_or(fetch::MAJOR);
    let directory = fetch::fetch(wanted.fetched, major).await.map_err(|reason| match wanted.major {
        Some(_) => unfit(wanted, &majors),
        None => PostgresError::NoneInstalled { reason },
    })?;
    inspect(&directory).ok_or_else(|| PostgresError::NotThere(directory.display().to_string()))
}

fn fits(binaries: &Binaries, wanted: &Wanted<'_>) -> bool {
    match wanted.major {
        Some(major) => binaries.major == major,
        None => i32::try_from(binaries.major).is_ok_and(|major| major >= commands::db::OLDEST_SERVER_MAJOR),
    }
}

fn unfit(wanted: &Wanted<'_>, found: &[u32]) -> PostgresError {
    let found = match found {
        [] => "none".to_owned(),
        majors => majors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    match wanted.major {
        Some(major) => PostgresError::OtherMajor { major, found },
        None => PostgresError::TooOld { found },
    }
}

/// By major version. Where several are of one version, the first of the search order.
fn installed(wanted: &Wanted<'_>) -> BTreeMap<u32, Binaries> {
    let mut found = BTreeMap::new();
    let mut seen = Vec::new();
    for directory in candidates(wanted.fetched) {
        let Some(real) = real_directory(&directory, wanted.account) else { continue };
        if seen.contains(&real) {
            continue;
        }
        if let Some(binaries) = inspect(&real) {
            found.entry(binaries.major).or_insert(binaries);
        }
        seen.push(real);
    }
    found
}

fn candidates(fetched: &Path) -> Vec<PathBuf> {
    let packaged = PACKAGED.iter().flat_map(|(parent, prefix, below)| {
        entries(Path::new(parent), prefix).into_iter().map(move |entry| entry.join(below))
    });
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = env::split_paths(&path).collect();
    let fetched = entries(fetched, "").into_iter().map(|version| version.join("bin"));
    packaged.chain(on_path).chain(fetched).collect()
}

fn entries(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)).map(|entry| entry.path()).collect()
}

/// Where the programs really lie, links resolved; `None` when there are none, or none that the account can run.
fn real_directory(directory: &Path, account: Option<&Account>) -> Option<PathBuf> {
    let real = directory.join("postgres").canonicalize().ok()?.parent()?.to_path_buf();
    let closed = account.and_then(|account| account.first_closed(&real));
    (real.join("initdb").is_file() && closed.is_none()).then_some(real)
}

/// Asks the server's program for its version.
fn inspect(directory: &Path) -> Option<Binaries> {
    if !directory.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(directory.join("postgres")).arg("--version").env_clear().output().ok()?;
    let major = major_of(std::str::from_utf8(&output.stdout).ok()?)?;
    Some(Binaries { directory: directory.to_path_buf(), major })
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15, `… 18beta1` is 18.
fn major_of(version: &str) -> Option<u32> {
    let number = version.strip_prefix("postgres (PostgreSQL) ")?;
    let digits = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    number[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version_of_releases_and_betas() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_of("postgres (EnterpriseDB) 15.3\n"), None);
    }
}
