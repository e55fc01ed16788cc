//! What can't work is refused in one line that says what to do, and shows no secret.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use testkit::{Db, Launch};

/// What it said, on the one line that it may take. Its data directory must stay unused.
async fn line(launch: Launch) -> String {
    let home = tempfile::tempdir().unwrap();
    let unused = home.path().join("orders");
    let finished = launch.env("ORDERS_DATA_DIR", unused.to_str().unwrap()).run().await;
    assert!(!unused.exists(), "nothing is made for what is refused");
    assert!(!finished.status.success(), "{finished:?}");
    assert_eq!(finished.stdout, "", "nothing is promised");
    let said: Vec<&str> = finished.stderr.lines().collect();
    assert_eq!(said.len(), 1, "{}", finished.stderr);
    assert!(said[0].starts_with("orders: "), "{}", said[0]);
    said[0].to_owned()
}

async fn line_has(launch: Launch, parts: &[&str]) {
    let line = line(launch).await;
    for part in parts {
        assert!(line.contains(part), "“{part}” is not in: {line}");
    }
    assert!(!line.contains("hunter2"), "a secret is shown: {line}");
}

fn orders(arguments: &[&str]) -> Launch {
    Launch::orders().args(arguments)
}

#[tokio::test]
async fn what_is_not_known_is_refused_with_what_may_be_meant() {
    line_has(orders(&["--lisen", "127.0.0.1:0"]), &["--lisen", "--listen"]).await;
    line_has(orders(&["sevre"]), &["sevre", "serve"]).await;
    line_has(orders(&[]).env("ORDERS_LISTN", "127.0.0.1:0"), &["ORDERS_LISTN", "ORDERS_LISTEN"]).await;
    line_has(orders(&["events"]).env("ORDERS_DATADIR", "/tmp"), &["ORDERS_DATADIR", "ORDERS_DATA_DIR"]).await;
    line_has(orders(&["postgres://shop:hunter2@db/orders"]), &["…"]).await;
}

#[tokio::test]
async fn bad_values_say_where_they_come_from() {
    line_has(orders(&["--listen", "8080"]), &["--listen", "8080"]).await;
    line_has(orders(&[]).env("ORDERS_LISTEN", "here"), &["here", "ORDERS_LISTEN"]).await;
    line_has(orders(&["--time-zone", "Mars/Olympus"]), &["Mars/Olympus", "Europe/Berlin"]).await;
    line_has(orders(&["--kafka-partitions", "0"]), &["--kafka-partitions", "1..=1000"]).await;
    line_has(orders(&["--log", "inof"]), &["inof", "debug"]).await;
    line_has(orders(&["--log-format", "xml"]), &["xml", "json"]).await;
    line_has(orders(&["--payment-provider", "cash"]), &["cash", "paypal"]).await;
    line_has(orders(&["--paypal-base-url", "http://api-m.paypal.com"]), &["--paypal-base-url", "by https"]).await;
    line_has(orders(&["--trusted-proxies", "10.0.0.0/8,10.0.0.0/33"]), &["10.0.0.0/33", "2001:db8::/32"]).await;
    line_has(orders(&["--mail-from", "nobody"]), &["ORDERS_MAIL_FROM"]).await;
    line_has(orders(&["keys", "create", "--name", "shop", "--scope", "all"]), &["all", "orders:write"]).await;
}

#[tokio::test]
async fn what_paypal_needs_is_named() {
    let paypal = || orders(&[]).env("ORDERS_PAYMENT_PROVIDER", "paypal").env("PAYPAL_CLIENT_SECRET", "hunter2");
    line_has(paypal(), &["PAYPAL_CLIENT_ID", "ORDERS_PAYMENT_PROVIDER=paypal"]).await;
    let paypal = || paypal().env("PAYPAL_CLIENT_ID", "shop").env("PAYPAL_WEBHOOK_ID", "1JE4291016473214C");
    line_has(paypal(), &["ORDERS_PUBLIC_URL"]).await;
    let paypal = || paypal().env("ORDERS_PUBLIC_URL", "https://shop.test");
    line_has(paypal().env("PAYPAL_CA_FILE", "/nowhere"), &["PAYPAL_CA_FILE", "/nowhere"]).await;
    line_has(paypal().env("PAYPAL_CLIENT_SECRET_FILE", "/nowhere"), &["PAYPAL_CLIENT_SECRET_FILE"]).await;
    line_has(orders(&[]).env("PAYPAL_CLIENT_ID", "shop"), &["PAYPAL_CLIENT_ID", "ORDERS_PAYMENT_PROVIDER=paypal"])
        .await;
}

#[tokio::test]
async fn urls_are_refused_without_being_shown() {
    line_has(orders(&[]).env("DATABASE_URL", "mysql://shop:hunter2@db/orders"), &["DATABASE_URL", "postgres://"]).await;
    line_has(orders(&[]).env("DATABASE_URL", ""), &["DATABASE_URL", "empty"]).await;
    line_has(orders(&[]).env("SMTP_URL", "http://shop:hunter2@mail"), &["smtps://"]).await;
    line_has(orders(&[]).env("SMTP_URL", "smtp://shop:hunter2@mail.example.com"), &["encryption"]).await;
    let property = orders(&["relay"]).env("KAFKA_BROKERS", "127.0.0.1:1").env("ORDERS_KAFKA_PROPERTIES", "hunter2");
    line_has(property, &["line 1", "name=value"]).await;
}

#[tokio::test]
async fn a_value_may_come_from_a_file_and_not_from_two_places() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("url");
    std::fs::write(&file, "mysql://shop:hunter2@db/orders\n").unwrap();
    line_has(orders(&[]).env("DATABASE_URL_FILE", &file), &["DATABASE_URL", "postgres://"]).await;
    let twice = orders(&[]).env("DATABASE_URL_FILE", &file).env("DATABASE_URL", "postgres://db/orders");
    line_has(twice, &["DATABASE_URL and DATABASE_URL_FILE", "keep one"]).await;
    let missing = orders(&[]).env("SMTP_URL_FILE", directory.path().join("none"));
    line_has(missing, &["SMTP_URL_FILE", "none", "No such file"]).await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    line_has(orders(&["--listen", &address]), &[&address, "in use", "--listen"]).await;
}

#[tokio::test]
async fn an_unreachable_database_is_named_without_its_password() {
    let url = format!("postgres://shop:hunter2@127.0.0.1:{}/orders", testkit::free_port());
    let said = line(orders(&["api", "--listen", "127.0.0.1:0"]).env("DATABASE_URL", &url)).await;
    assert!(said.contains("127.0.0.1:") && said.contains("DATABASE_URL") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn an_unreachable_kafka_is_named() {
    let brokers = format!("127.0.0.1:{}", testkit::free_port());
    let relay = orders(&["relay"]).env("KAFKA_BROKERS", &brokers).env("DATABASE_URL", "postgres://127.0.0.1:1/orders");
    line_has(relay, &[&brokers, "KAFKA_BROKERS"]).await;
    let typed = orders(&["relay", "--kafka-property", "sasl.pasword=hunter2"]).env("KAFKA_BROKERS", &brokers);
    line_has(typed, &["sasl.pasword", "sasl.password"]).await;
}

#[tokio::test]
async fn a_database_without_our_tables_says_how_to_make_them() {
    let db = Db::empty().await;
    line_has(orders(&["events"]).env("DATABASE_URL", db.app_url()), &["orders migrate", "MIGRATION_DATABASE_URL"])
        .await;
    line_has(orders(&["migrate"]).env("DATABASE_URL", db.app_url()), &["MIGRATION_DATABASE_URL"]).await;
}

#[tokio::test]
async fn a_login_that_could_change_history_is_refused() {
    let db = Db::new().await;
    line_has(orders(&["events"]).env("DATABASE_URL", db.owner_url()), &["orders_app", "history"]).await;
}

#[tokio::test]
async fn roles_apart_need_a_kafka_of_their_own() {
    let db = Db::new().await;
    line_has(orders(&["relay"]).env("DATABASE_URL", db.app_url()), &["KAFKA_BROKERS"]).await;
    line_has(orders(&["consumers", "run", "mailer"]), &["mailer", "order_mail"]).await;
    line_has(orders(&["projections", "run", "list"]), &["list", "order_list"]).await;
}

/// What would be left unheeded is refused: most likely the brokers were forgotten.
#[tokio::test]
async fn settings_of_another_kafka_need_its_address() {
    line_has(orders(&["--kafka-replicas", "3"]), &["ORDERS_KAFKA_REPLICAS", "KAFKA_BROKERS"]).await;
    let property = orders(&["--kafka-property", "sasl.password=hunter2"]);
    line_has(property, &["ORDERS_KAFKA_PROPERTIES", "KAFKA_BROKERS"]).await;
}

/// Root gives the server to another user; an ordinary user runs it as itself, and reaches what it can make.
#[tokio::test]
async fn data_that_the_servers_user_can_not_reach_are_named() {
    let closed = tempfile::tempdir().unwrap();
    std::fs::set_permissions(closed.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let finished = orders(&["migrate"]).env("ORDERS_DATA_DIR", closed.path().join("orders")).run().await;
    if nix::unistd::geteuid().is_root() {
        assert!(!finished.status.success());
        assert!(finished.stderr.contains("chmod o+x"), "{}", finished.stderr);
    } else {
        finished.succeeded();
    }
}

#[tokio::test]
async fn help_is_for_people_and_exits_well() {
    let help = orders(&["--help"]).env("DATABASE_URL", "postgres://shop:hunter2@db/orders").run().await.succeeded();
    assert!(help.contains("Examples:") && help.contains("projections") && !help.contains("hunter2"), "{help}");
    let version = orders(&["--version"]).run().await.succeeded();
    assert_eq!(version, format!("orders {}\n", env!("CARGO_PKG_VERSION")));
}
