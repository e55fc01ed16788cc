//! How many connections the system lets this process hold.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What is left to everything else, such as connections to servers: no more files than this, and at most half of all.
const KEPT_FREE: u64 = 512;

/// The most connections, of those that are wanted, for which there are files. Asks the system for as many files as they
/// need: many start programs with no more than 1,024.
pub(super) fn most_connections(wanted: usize) -> usize {
    let needed = (wanted as u64).saturating_add(KEPT_FREE);
    let Some(limit) = raised_limit(needed).filter(|limit| *limit < needed) else { return wanted };
    let most = usize::try_from(limit - KEPT_FREE.min(limit / 2)).unwrap_or(wanted);
    tracing::warn!(
        "this process may have no more than {limit} open files, so of {wanted} connections from clients it takes {most} at \
         once: raise the hard limit (ulimit -Hn, LimitNOFILE=)"
    );
    most
}

/// The limit, raised to what is needed as far as that goes; `None` where the system does not tell.
fn raised_limit(needed: u64) -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let raised = needed.min(hard);
    if soft >= raised {
        return Some(soft);
    }
    match setrlimit(Resource::RLIMIT_NOFILE, raised, hard) {
        Ok(()) => Some(raised),
        Err(error) => {
            tracing::debug!(%error, "the limit of open files stays as it is");
            Some(soft)
        }
    }
}
