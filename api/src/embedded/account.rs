//! Which user PostgreSQL runs as. It refuses to be root, so root gives it another one.

use nix::unistd::{Gid, Uid, User, geteuid};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Users that a system has for this, the better one first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// A user of this machine that is not us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its user id.
    pub uid: Uid,
    /// Its group id.
    pub gid: Gid,
}

/// Why nobody can be found to run the server as.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Root, and neither of the users that it could give the server.
    #[error(
        "PostgreSQL does not run as root, and this machine has no user `postgres` or `nobody`: add one, or start orders as an ordinary user"
    )]
    NoCandidate,
    /// The data belong to a user id that the system does not know.
    #[error(
        "the data in {path} belong to user id {uid}, which this machine does not know: add that user, or choose another --data-dir"
    )]
    UnknownOwner {
        /// The data's directory.
        path: String,
        /// Its owner.
        uid: u32,
    },
    /// We are a user without a name; PostgreSQL looks itself up.
    #[error("user id {0} has no name on this machine, and PostgreSQL needs one: add the user, or set DATABASE_URL")]
    Nameless(u32),
}

/// Whether this process is root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Our own name.
pub fn own_name() -> Result<String, AccountError> {
    let uid = geteuid();
    User::from_uid(uid).ok().flatten().map(|user| user.name).ok_or(AccountError::Nameless(uid.as_raw()))
}

/// The account for the server of `data`: `None` is ourselves. Data that exist keep the owner that they have.
pub fn for_server(data: &Path) -> Result<Option<Account>, AccountError> {
    if !is_root() {
        return Ok(None);
    }
    match fs::metadata(data).map(|data| data.uid()) {
        Ok(uid) if uid != 0 => {
            let owner = User::from_uid(Uid::from_raw(uid)).ok().flatten();
            let unknown = || AccountError::UnknownOwner { path: data.display().to_string(), uid };
            owner.map(|user| Some(user.into())).ok_or_else(unknown)
        }
        _ => CANDIDATES
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Some(user.into()))
            .ok_or(AccountError::NoCandidate),
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self { name: user.name, uid: user.uid, gid: user.gid }
    }
}

impl Account {
    /// The first directory on the way to `path` that is closed to this account, as far as it exists.
    pub fn first_closed<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        path.ancestors().filter(|directory| directory.is_dir()).find(|directory| !self.may_enter(directory))
    }

    fn may_enter(&self, directory: &Path) -> bool {
        let Ok(metadata) = fs::metadata(directory) else { return false };
        let mode = metadata.permissions().mode();
        if metadata.uid() == self.uid.as_raw() {
            mode & 0o100 != 0
        } else if metadata.gid() == self.gid.as_raw() {
            mode & 0o010 != 0
        } else {
            mode & 0o001 != 0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_ours_alone_is_closed_to_another() {
        let top = tempfile::tempdir().unwrap();
        let inner = top.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let other = Account { name: "other".to_owned(), uid: Uid::from_raw(54_321), gid: Gid::from_raw(54_321) };
        fs::set_permissions(top.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(other.first_closed(&inner), Some(top.path()));
        fs::set_permissions(top.path(), fs::Permissions::from_mode(0o711)).unwrap();
        assert_eq!(other.first_closed(&inner), None);
    }
}
