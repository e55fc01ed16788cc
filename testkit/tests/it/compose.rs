//! `docker-compose.yml`, checked without an engine: by the compose specification's schema, and for references that lead
//! nowhere. What only a run can show (that the images exist and start) is not covered.

use std::fs;
use std::path::Path;

use sqlx::{Connection, PgConnection};
use testkit::postgres::PostgresServer;
use testkit::program::{Finished, Launch};

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

async fn check(file: &Path) -> Finished {
    let check = workspace().join("testkit/compose/check.py");
    Launch::of(testkit::python()).arg("-I").arg(check).arg(file).run().await
}

#[tokio::test]
async fn the_compose_file_follows_the_specification() {
    check(&workspace().join("docker-compose.yml")).await.succeeded();
}

#[tokio::test]
async fn the_check_finds_faults() {
    let original = fs::read_to_string(workspace().join("docker-compose.yml")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("docker-compose.yml");
    for (right, wrong, fault) in [
        ("restart: unless-stopped", "restarts: unless-stopped", "'restarts' was unexpected"),
        ("kafka-data:/var", "kafka:/var", "no volumes entry `kafka`"),
        ("mail: {condition", "post: {condition", "depends on `post`, which does not exist"),
        ("restart: \"no\"", "restart: always", "which restarts"),
        ("  kafka-data:\n", "  kafka-data:\n  kafka-data:\n", "stands twice: kafka-data"),
        ("$$1_password", "$1_password", "`$` is not doubled"),
    ] {
        assert!(original.contains(right), "{right} is in the file");
        fs::write(&file, original.replace(right, wrong)).unwrap();
        let finished = check(&file).await;
        assert_eq!(finished.status.code(), Some(1), "{wrong}");
        assert!(finished.stdout.contains(fault), "{wrong}: {}", finished.stdout);
    }
}

/// The scripts in it do their work: the passwords made by the one let the roles in that the other makes, on a real
/// server, and each may do what its part is.
#[tokio::test]
async fn its_scripts_make_the_roles_and_their_passwords() {
    let server = PostgresServer::start();
    let directory = tempfile::tempdir().unwrap();
    let secrets = directory.path().to_str().unwrap();
    for volume in ["postgres", "owner", "app"] {
        fs::create_dir(directory.path().join(volume)).unwrap();
    }
    // The users of the containers are not here to be given files.
    let script = script("secrets.sh").replace("cd /secrets", &format!("cd {secrets}")).replace("chown", ": chown");
    bash(&script).run().await.succeeded();
    let made = read_secrets(directory.path());
    bash(&script).run().await.succeeded();
    assert_eq!(read_secrets(directory.path()), made, "a second start keeps the passwords");

    bash(&script_of_roles(secrets)).envs(server.client_environment()).run().await.succeeded();
    let here = |url: &str| url.replace("@postgres/", &format!("@127.0.0.1:{}/", server.port()));
    commands::db::migrate(&here(&made.owner_url)).await.unwrap();
    let mut app = PgConnection::connect(&here(&made.app_url)).await.unwrap();
    let events: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut app).await.unwrap();
    assert_eq!(events, 0);
    sqlx::query("CREATE SCHEMA a_view").execute(&mut app).await.unwrap();
    assert!(sqlx::query("DROP TABLE events").execute(&mut app).await.is_err());
}

#[derive(Debug, PartialEq, Eq)]
struct Secrets {
    owner_url: String,
    app_url: String,
}

fn read_secrets(directory: &Path) -> Secrets {
    let read = |volume: &str| fs::read_to_string(directory.join(volume).join("database_url")).unwrap();
    Secrets { owner_url: read("owner"), app_url: read("app") }
}

fn script_of_roles(secrets: &str) -> String {
    script("roles.sh").replace("/run/secrets/", &format!("{secrets}/"))
}

/// The text of a script under `configs`, as compose hands it over: a doubled dollar is one.
fn script(name: &str) -> String {
    let text = fs::read_to_string(workspace().join("docker-compose.yml")).unwrap();
    let (_, script) = text.split_once(&format!("\n  {name}:\n    content: |\n")).unwrap();
    let lines = script.lines().take_while(|line| line.starts_with("      "));
    lines.map(|line| format!("{}\n", &line[6..])).collect::<String>().replace("$$", "$")
}

fn bash(script: &str) -> Launch {
    Launch::of("/bin/bash").args(["-c", script])
}
