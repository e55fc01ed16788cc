//! Commands and roles on a database of their own, configured as in production.

use serde_json::{Value, json};
use std::fs;
use testkit::{Db, Launch, Program};

async fn ends_well(mut program: Program) {
    program.sigterm();
    let status = program.wait().await;
    assert_eq!(status.code(), Some(0), "{}", program.output());
}

#[tokio::test]
async fn urls_come_from_files_and_the_owner_migrates() {
    let db = Db::empty().await;
    let directory = tempfile::tempdir().unwrap();
    let (owner, login) = (directory.path().join("owner"), directory.path().join("login"));
    fs::write(&owner, format!("{}\n", db.owner_url())).unwrap();
    fs::write(&login, db.app_url()).unwrap();
    let migrate = Launch::orders().arg("migrate").env("MIGRATION_DATABASE_URL_FILE", &owner);
    for _ in 0..2 {
        assert_eq!(migrate.run().await.succeeded(), "The database is up to date.\n");
    }
    let events = Launch::orders().arg("events").env("DATABASE_URL_FILE", &login).run().await;
    assert_eq!(events.succeeded(), "");

    let beyond = Launch::orders().args(["events", "--after", "1"]).env("DATABASE_URL_FILE", &login).run().await;
    assert_eq!(beyond.status.code(), Some(1), "{beyond:?}");
    assert!(beyond.stderr.contains("--after 1 is beyond the end of the history"), "{beyond:?}");
}

#[tokio::test]
async fn an_api_with_the_owners_url_migrates_by_itself() {
    let db = Db::empty().await;
    let mut api = Launch::orders()
        .args(["api", "--listen", "127.0.0.1:0"])
        .env("DATABASE_URL", db.app_url())
        .env("MIGRATION_DATABASE_URL", db.owner_url())
        .spawn();
    api.wait_for_line("serving the API").await;
    ends_well(api).await;
}

#[tokio::test]
async fn a_role_without_an_api_shows_its_health() {
    let db = Db::new().await;
    let address = format!("127.0.0.1:{}", testkit::free_port());
    let mut views = Launch::orders()
        .args(["projections", "run", "--listen", &address, "--log-format", "json"])
        .env("DATABASE_URL", db.app_url())
        .spawn();
    let line = views.wait_for_line("running projections").await;
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(json["level"], "INFO");
    let get = |path: &str| {
        let url = format!("http://{address}{path}");
        Launch::of("curl").args(["-sS", "--fail", "--retry", "20", "--retry-connrefused", &url])
    };
    assert_eq!(get("/healthz").run().await.succeeded(), "{\"alive\":true}\n");
    let ready = get("/readyz").run().await.succeeded();
    assert!(ready.contains("projection order_list"), "{ready}");
    let metrics = get("/metrics").run().await.succeeded();
    assert!(metrics.contains(r#"orders_task_up{task="projection order_list"} 1"#), "{metrics}");
    ends_well(views).await;
}

#[tokio::test]
async fn a_key_that_was_made_is_listed_and_revoked() {
    let db = Db::new().await;
    let keys = |arguments: &[&str]| Launch::orders().arg("keys").args(arguments).env("DATABASE_URL", db.app_url());
    let made = keys(&["create", "--name", "till", "--scope", "staff"]).run().await;
    assert!(made.stderr.contains("staff"), "{made:?}");
    let token = made.succeeded();
    let prefix = token.split('_').nth(1).unwrap();
    let list = keys(&["list"]).run().await.succeeded();
    assert!(list.contains(prefix) && list.contains("valid") && !list.contains(token.trim()), "{list}");
    keys(&["revoke", prefix]).run().await.succeeded();
    assert!(keys(&["list"]).run().await.succeeded().contains("revoked"));
    let line: Value = serde_json::from_str(keys(&["list", "--json"]).run().await.succeeded().trim()).unwrap();
    assert_eq!((&line["prefix"], &line["scopes"], &line["member"]), (&json!(prefix), &json!(["staff"]), &json!(null)));
    assert!(line["revoked_at"].is_string() && !line.to_string().contains(token.trim()), "{line}");
    let unknown = keys(&["revoke", "nothing"]).run().await;
    assert!(!unknown.status.success() && unknown.stderr.contains("orders keys list"), "{unknown:?}");
}

#[tokio::test]
async fn a_key_is_bound_to_a_member_and_then_has_a_customers_scopes() {
    let db = Db::new().await;
    let join = "INSERT INTO members (id, email, email_key, first_name, last_name, password_hash, lang, created_at, changed_at)
                VALUES (gen_random_uuid(), $1, $1, 'Ada', 'Lovelace', '$argon2id$none', 'en', now(), now()) RETURNING id::text";
    let id: String = sqlx::query_scalar(join).bind("ada@example.com").fetch_one(&db.pool().await).await.unwrap();
    let keys = |arguments: &[&str]| Launch::orders().arg("keys").args(arguments).env("DATABASE_URL", db.app_url());
    let create = |scope, member| keys(&["create", "--name", "app", "--scope", scope, "--member", member]);
    for member in ["ada@example.com", id.as_str()] {
        let made = create("orders:read", member).run().await;
        assert!(made.stderr.contains(&id), "{made:?}");
        made.succeeded();
    }
    assert_eq!(keys(&["list"]).run().await.succeeded().matches(&id).count(), 2);
    for (scope, member, words) in [
        ("staff", "ada@example.com", "may have orders:read and orders:write, not staff"),
        ("orders:read", "zoe@example.com", "no member"),
    ] {
        let refused = create(scope, member).run().await;
        assert!(!refused.status.success() && refused.stderr.contains(words), "{refused:?}");
        assert!(!refused.stderr.contains("zoe"), "whose address it is, is nobody's business: {refused:?}");
    }
}

#[tokio::test]
async fn what_is_scheduled_is_listed_cancelled_and_run() {
    let db = Db::new().await;
    let schedule = |arguments: &[&str]| {
        Launch::orders().args(["schedule"]).args(arguments.iter().copied()).env("DATABASE_URL", db.app_url())
    };
    assert_eq!(schedule(&["list"]).run().await.succeeded(), "Nothing is scheduled.\n");
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO scheduled_jobs (task, job_key, payload, every_s, state, run_at, due_at, created_at, changed_at)
         VALUES ('sweep', '', '{}', 600, 'waiting', '2999-01-01', '2999-01-01', now(), now()) RETURNING id",
    )
    .fetch_one(&db.pool().await)
    .await
    .unwrap();
    let id = id.to_string();
    let listed = schedule(&["list"]).run().await.succeeded();
    assert!(listed.contains("sweep") && listed.contains("2999-01-01") && listed.contains("600 s"), "{listed}");
    let asked = schedule(&["cancel", &id]).run().await.succeeded();
    assert!(asked.contains("sweep") && asked.contains("rests until") && asked.ends_with("--yes does it.\n"), "{asked}");
    let told = async || schedule(&["tasks"]).run().await.succeeded();
    assert!(schedule(&["list"]).run().await.succeeded().contains("waiting") && !told().await.contains("cancelled"));
    schedule(&["cancel", &id, "--yes"]).run().await.succeeded();
    assert!(schedule(&["list"]).run().await.succeeded().contains("cancelled"), "it does not vanish");
    assert!(told().await.contains("cancelled"), "{}", told().await);
    for arguments in [&["cancel", &id][..], &["cancel", &id, "--yes"][..]] {
        let refused = schedule(arguments).run().await;
        assert!(!refused.status.success() && refused.stderr.contains("orders schedule list"), "{refused:?}");
    }
    let wrong = schedule(&["run", "abc"]).run().await;
    assert!(wrong.stderr.contains("must be a number such as 7"), "{wrong:?}");
    assert!(schedule(&["list", "--all"]).run().await.succeeded().contains("cancelled"));
    let mixed = schedule(&["run", "999", &id]).run().await;
    assert_eq!(
        (mixed.status.code(), mixed.stdout),
        (Some(1), format!("To be run now: job {id}.\n")),
        "{}",
        mixed.stderr
    );
    assert!(mixed.stderr.contains("there is no job 999 that can be run"), "{}", mixed.stderr);
    assert!(schedule(&["list"]).run().await.succeeded().contains("waiting"));
    let job: Value = serde_json::from_str(&schedule(&["list", "--json"]).run().await.succeeded()).unwrap();
    assert_eq!((&job["task"], &job["state"], &job["every_s"]), (&json!("sweep"), &json!("waiting"), &json!(600)));
}

#[tokio::test]
async fn the_schedule_is_told_by_kinds_of_work() {
    let db = Db::new().await;
    let tasks = |arguments: &[&str]| {
        let arguments = [&["schedule", "tasks"][..], arguments].concat();
        Launch::orders().args(arguments).env("DATABASE_URL", db.app_url())
    };
    assert_eq!(tasks(&[]).run().await.succeeded(), "Nothing is scheduled.\n");
    sqlx::query(
        "INSERT INTO scheduled_jobs (task, job_key, payload, state, run_at, due_at, last_error, last_run_at, created_at,
                                     changed_at)
         SELECT 'letter', n::text, '{}', state, now(), CASE state WHEN 'waiting' THEN now() - interval '1 hour' END,
                CASE state WHEN 'failed' THEN 'no such mailbox' END, now(), now(), now()
           FROM unnest(ARRAY['waiting', 'waiting', 'failed', 'done', 'cancelled']) WITH ORDINALITY AS job (state, n)",
    )
    .execute(&db.pool().await)
    .await
    .unwrap();
    let told: Value = serde_json::from_str(&tasks(&["--json"]).run().await.succeeded()).unwrap();
    assert_eq!(told["task"], "letter");
    for (name, expected) in [("waiting", 2), ("due", 2), ("running", 0), ("failed", 1), ("done_per_h", 1)] {
        assert_eq!(told[name], json!(expected), "{name} of {told}");
    }
    assert!(told["overdue_s"].as_f64() >= Some(3_600.0) && told["time_left_s"] == json!(7_200.0), "{told}");
    let table = tasks(&[]).run().await.succeeded();
    for part in ["PER HOUR", "letter", "2 h 0 min", "no such mailbox"] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
}
