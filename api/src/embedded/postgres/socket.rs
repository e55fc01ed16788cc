//! Where the server's socket is, and what its URLs are.
//!
//! We connect by a Unix socket: the kernel tells the server which user is at the other end, so that there is no
//! password to make, keep and leak, and no port that is open to other users of the machine.

use super::super::account::{Account, is_root};
use super::super::directory::PostgresUrls;
use super::PostgresError;
use super::roles::{DATABASE, LOGIN, OWNER, SUPERUSER};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::{env, io};

/// Part of the socket's name. The server listens on no TCP port at all.
pub(super) const PORT: u16 = 5432;

/// The longest path of a socket, in bytes, without the closing NUL (`sun_path`).
const MAX_PATH_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// What a query value of a URL must not hold as it is.
const IN_QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'<').add(b'>').add(b'?');

/// The socket's directory: `preferred`, or one of our own with a short path where that would be too long.
pub(super) fn directory(preferred: &Path, account: Option<&Account>) -> Result<PathBuf, PostgresError> {
    let longest = preferred.as_os_str().len() + format!("/.s.PGSQL.{PORT}").len();
    let directory = if longest <= MAX_PATH_BYTES { preferred.to_path_buf() } else { short(preferred) };
    let failed = |source| PostgresError::Io { path: directory.display().to_string(), source };
    make(&directory, account).map_err(failed)?;
    if directory.to_str().is_none() {
        return Err(PostgresError::NotUtf8(directory.display().to_string()));
    }
    Ok(directory)
}

/// Always the same for the same data, so that nothing piles up.
fn short(preferred: &Path) -> PathBuf {
    let digest = Sha256::digest(preferred.as_os_str().as_encoded_bytes());
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute() && !is_root());
    let name = digest[..6].iter().fold("orders-".to_owned(), |name, byte| format!("{name}{byte:02x}"));
    runtime.unwrap_or_else(|| "/tmp".into()).join(name)
}

/// Open to the server's user alone (and to root). One that exists must be just so: below a directory that all may
/// write, somebody else could have made it.
fn make(directory: &Path, account: Option<&Account>) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => {
            account.map_or(Ok(()), |account| chown(directory, Some(account.uid.as_raw()), Some(account.gid.as_raw())))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(directory)?;
            let owner = account.map_or_else(nix::unistd::geteuid, |account| account.uid);
            let ours = found.is_dir() && found.uid() == owner.as_raw() && found.permissions().mode() & 0o077 == 0;
            ours.then_some(()).ok_or_else(|| io::Error::other("it exists, and is not a directory of ours alone"))
        }
        Err(error) => Err(error),
    }
}

/// As the program and as whoever migrates connects.
pub(super) fn urls(directory: &Path) -> PostgresUrls {
    PostgresUrls { login: url(directory, LOGIN, DATABASE), owner: url(directory, OWNER, DATABASE) }
}

/// As the one that sets the others up.
pub(super) fn superuser_url(directory: &Path, database: &str) -> String {
    url(directory, SUPERUSER, database)
}

/// The same, where what is known is how others connect.
pub(super) fn superuser_url_beside(urls: &PostgresUrls) -> Option<String> {
    let rest = urls.owner.strip_prefix(&format!("postgres://{OWNER}@"))?;
    Some(format!("postgres://{SUPERUSER}@{rest}"))
}

/// Of a form that sqlx and libpq (`psql`) both understand.
fn url(directory: &Path, role: &str, database: &str) -> String {
    let path = directory.to_string_lossy();
    let host = utf8_percent_encode(&path, IN_QUERY);
    format!("postgres://{role}@localhost:{PORT}/{database}?host={host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_one_that_stays_the_same() {
        let long = PathBuf::from(format!("/{}", "d".repeat(120)));
        let socket = short(&long);
        assert!(socket.as_os_str().len() < 60, "{socket:?}");
        assert_eq!(socket, short(&long));
        assert_ne!(socket, short(Path::new("/elsewhere")));
    }

    #[test]
    fn the_superuser_is_where_the_owner_is() {
        let at = Path::new("/run/orders");
        assert_eq!(superuser_url_beside(&urls(at)), Some(superuser_url(at, DATABASE)));
    }

    #[test]
    fn a_path_with_odd_characters_survives_in_a_url() {
        let url = url(Path::new("/var/lib/or ders&50%"), "role", "db");
        assert_eq!(url, "postgres://role@localhost:5432/db?host=/var/lib/or%20ders%2650%25");
    }
}
