//! One command starts everything, and it survives what happens to programs.

use super::embedded_support::{BOUND, Place, answer_as_printed, gone, lives, order_as_printed, ready};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use testkit::{Launch, Program, eventually};

/// The events of all orders, as `orders events` writes them.
async fn placed(place: &Place) -> Vec<String> {
    let lines = place.orders(&["events"]).run().await.succeeded();
    let events = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let placed = events.filter(|event| event["type"] == "OrderPlaced");
    placed.map(|event| event["aggregate_id"].as_str().unwrap().to_owned()).collect()
}

fn mails(place: &Place) -> Vec<String> {
    let files = fs::read_dir(place.data().join("mail")).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".eml")).collect()
}

async fn ends_well(mut program: Program) {
    let status = program.wait().await;
    assert_eq!(status.code(), Some(0), "{}", program.output());
}

#[tokio::test]
async fn the_first_start_takes_an_order_as_printed_and_the_second_has_it_still() {
    let place = Place::new();
    let program = place.start().await;
    let order = order_as_printed(&program).await;
    assert_eq!(order["total"]["amount"], "42.00");
    eventually("the mail is written", BOUND, async || mails(&place).len() == 1).await;
    eventually("the mail is shown", BOUND, async || program.stdout().contains("Dear Ada,")).await;
    let key = fs::read_to_string(place.data().join("dev-api-key")).unwrap();
    assert_eq!(fs::metadata(place.data().join("dev-api-key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(program.stdout().contains(key.trim()));
    let postgres = place.postgres_pid();
    program.sigterm();
    ends_well(program).await;
    assert!(!lives(postgres), "PostgreSQL ends before the program does");

    let program = place.start().await;
    assert_eq!(fs::read_to_string(place.data().join("dev-api-key")).unwrap(), key, "the key is made once");
    assert_eq!(placed(&place).await, [order["id"].as_str().unwrap()]);
    let second = order_as_printed(&program).await;
    assert!(second["number"].as_u64() > order["number"].as_u64(), "{second}");
    eventually("the second order's mail is written", BOUND, async || mails(&place).len() == 2).await;
    program.sigint();
    ends_well(program).await;
}

#[tokio::test]
async fn the_broker_inside_heeds_the_prefix_and_is_read_as_printed() {
    let place = Place::new();
    let program = ready(place.orders(&["--listen", "127.0.0.1:0", "--kafka-prefix", "tea-shop."])).await;
    let order = order_as_printed(&program).await;
    let output = program.stdout();
    let kcat = &output[output.find("kcat ").expect("the welcome tells how to read Kafka")..];
    let kcat = format!("{} -e -q", kcat.lines().next().unwrap());
    assert!(kcat.contains(" -t tea-shop.orders.events "), "{kcat}");
    eventually("the order is read from Kafka", BOUND, async || {
        let read = Launch::of("sh").args(["-c", &kcat]).run().await.succeeded();
        if read.contains(order["id"].as_str().unwrap()) { Ok(()) } else { Err(read) }
    })
    .await;
    eventually("the mail is written", BOUND, async || mails(&place).len() == 1).await;
    program.sigterm();
    ends_well(program).await;
}

#[tokio::test]
async fn killed_it_leaves_no_server_and_loses_no_order() {
    let place = Place::new();
    let mut program = place.start().await;
    let mut known = vec![order_as_printed(&program).await["id"].as_str().unwrap().to_owned()];
    eventually("the mail is written", BOUND, async || mails(&place).len() == 1).await;
    let postgres = place.postgres_pid();
    program.kill9();
    gone(postgres).await;

    // Again, and this time the next start comes before the server has ended.
    let mut program = place.start().await;
    known.push(order_as_printed(&program).await["id"].as_str().unwrap().to_owned());
    let postgres = place.postgres_pid();
    program.kill9();
    let program = place.start().await;
    assert!(!lives(postgres), "the old server has ended before the new one started");
    assert_eq!(placed(&place).await, known);
    eventually("each order has its mail", BOUND, async || mails(&place).len() == 2).await;
    program.sigterm();
    ends_well(program).await;
    assert_eq!(mails(&place).len(), 2, "no mail is sent twice");
}

#[tokio::test]
async fn a_lock_left_by_a_crash_that_names_another_process_is_repaired() {
    let place = Place::new();
    place.orders(&["migrate"]).run().await.succeeded();
    let data = place.data().join("postgres/data");
    let sleeper = Launch::of("sleep").arg("600").spawn();
    let owner = fs::metadata(&data).unwrap();
    for (name, directory) in [("postmaster.pid", &data), (".s.PGSQL.5432.lock", &place.data().join("postgres/socket"))]
    {
        let lock = directory.join(name);
        let text = format!("{}\n{}\n1700000000\n5432\n\n\n\nready   \n", sleeper.pid(), data.display());
        fs::write(&lock, text).unwrap();
        std::os::unix::fs::chown(&lock, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    let finished = place.orders(&["events"]).run().await;
    assert!(finished.stderr.contains("postmaster.pid"), "{finished:?}");
    finished.succeeded();
    assert!(lives(sleeper.pid()), "the other process is left alone");
}

#[tokio::test]
async fn two_at_once_on_one_directory_are_refused() {
    let place = Place::new();
    let program = place.start().await;
    let second = place.orders(&["--listen", "127.0.0.1:0"]).run().await;
    assert!(!second.status.success());
    let expected = format!("in use by process {} (`orders serve`)", program.pid());
    assert!(second.stderr.contains(&expected) && second.stderr.lines().count() == 1, "{}", second.stderr);
    program.sigterm();
    ends_well(program).await;
}

#[tokio::test]
async fn commands_find_the_running_system_or_start_its_database_alone() {
    let place = Place::new();
    place.orders(&["migrate"]).run().await.succeeded();
    let alone = place.orders(&["keys", "create", "--name", "shop", "--scope", "orders:read"]).run().await.succeeded();
    assert!(alone.starts_with("orders_"), "{alone}");
    let program = place.start().await;
    let list = place.orders(&["keys", "list"]).run().await.succeeded();
    assert!(list.contains("shop") && list.contains("development") && !list.contains(alone.trim()), "{list}");
    let prefix = alone.split('_').nth(1).unwrap();
    place.orders(&["keys", "revoke", prefix]).run().await.succeeded();
    assert!(place.orders(&["keys", "list"]).run().await.succeeded().contains("revoked"));
    assert_eq!(place.orders(&["parked", "list"]).run().await.succeeded(), "Nothing is parked.\n");
    let retry = place.orders(&["parked", "retry", "7"]).run().await;
    assert!(!retry.status.success() && retry.stderr.contains("no parked item 7"), "{retry:?}");
    let rebuilt = place.orders(&["projections", "rebuild", "order_list"]).run().await.succeeded();
    assert!(rebuilt.contains("order_list is rebuilt"), "{rebuilt}");

    let mut follower = place.orders(&["events", "--after", "12", "--follow"]).spawn();
    let order = order_as_printed(&program).await;
    let line = follower.wait_for_line("OrderPlaced").await;
    assert!(line.contains(order["id"].as_str().unwrap()), "{line}");
    follower.sigint();
    ends_well(follower).await;
    program.sigterm();
    ends_well(program).await;
}

#[tokio::test]
async fn a_reader_that_closes_the_pipe_ends_events_quietly() {
    let place = Place::new();
    // The demo's products are there from a start on.
    let program = place.start().await;
    let piped = format!("{} events --follow | head -n 1", env!("CARGO_BIN_EXE_orders"));
    let mut pipe =
        Launch::of("bash").args(["-o", "pipefail", "-c", &piped]).env("ORDERS_DATA_DIR", place.data()).spawn();
    pipe.wait_for_line("ProductAdded").await;
    eventually("a write meets the closed pipe", BOUND, async || {
        order_as_printed(&program).await;
        pipe.has_ended()
    })
    .await;
    assert!(pipe.wait().await.success(), "{}", pipe.output());
    assert_eq!(pipe.stderr(), "");
    program.sigterm();
    ends_well(program).await;
}

#[tokio::test]
async fn a_server_that_crashes_is_started_again() {
    let place = Place::new();
    let mut program = place.start().await;
    order_as_printed(&program).await;
    let postgres = place.postgres_pid();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(postgres.cast_signed()), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
    program.wait_for_line("starting it again").await;
    eventually("another server runs", BOUND, async || {
        let pid = fs::read_to_string(place.data().join("postgres/data/postmaster.pid")).unwrap_or_default();
        pid.contains("ready") && !pid.starts_with(&format!("{postgres}\n"))
    })
    .await;
    // A connection that the crash cut answers 503 once.
    let taken = async || answer_as_printed(&program).await["id"].is_string();
    eventually("an order is taken again", BOUND, taken).await;
    assert_eq!(placed(&place).await.len(), 2);
    program.sigterm();
    ends_well(program).await;
}

/// As an ordinary user, whoever runs the tests.
#[tokio::test]
async fn an_ordinary_user_has_its_data_at_home() {
    let place = Place::new();
    let home = place.top().join("home");
    fs::create_dir(&home).unwrap();
    let state = home.join(".local/state/orders");
    let program = ready(as_nobody(&place, &home).args(["--listen", "127.0.0.1:0"])).await;
    assert!(program.stdout().contains(&format!("Data      {}", state.display())), "{}", program.stdout());
    order_as_printed(&program).await;
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
    program.sigterm();
    ends_well(program).await;
}

/// A directory whose path is too long for a socket is served all the same.
#[tokio::test]
async fn a_long_path_has_its_socket_elsewhere() {
    let place = Place::new();
    let data = place.top().join("d".repeat(120));
    let orders = |arguments: &[&str]| Launch::orders().args(arguments).env("ORDERS_DATA_DIR", &data);
    orders(&["migrate"]).run().await.succeeded();
    assert!(orders(&["keys", "list"]).run().await.succeeded().starts_with("PREFIX"));
}

/// A directory that was mistyped or forgotten is no empty system.
#[tokio::test]
async fn commands_that_ask_begin_no_system() {
    let place = Place::new();
    let commands: [&[&str]; 6] = [
        &["events"],
        &["verify"],
        &["parked", "list"],
        &["keys", "create", "--name", "shop", "--scope", "orders:read"],
        &["instances"],
        &["analysts", "list"],
    ];
    for arguments in commands {
        let refused = place.orders(arguments).run().await;
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{arguments:?}: {refused:?}");
        assert!(
            refused.stderr.contains("there is no system in ") && refused.stderr.contains("orders serve --data-dir")
        );
        assert!(!place.data().exists(), "{arguments:?} makes nothing");
    }
    // Nor in a directory whose beginning was cut off.
    fs::create_dir(place.data()).unwrap();
    fs::write(place.data().join("lock"), "").unwrap();
    let refused = place.orders(&["events"]).run().await;
    assert!(refused.stderr.contains("there is no system in "), "{refused:?}");
    assert!(!place.data().join("postgres").exists());

    place.orders(&["migrate"]).run().await.succeeded();
    assert_eq!(place.orders(&["events"]).run().await.succeeded(), "");
    let verified = place.orders(&["verify"]).run().await.succeeded();
    assert!(verified.contains("There is nothing to check yet: the log has no events. "), "{verified}");
    assert!(!verified.contains("Everything agrees"), "{verified}");
}

/// A command as `nobody` if we are root; with a copy of the program where that user can reach it.
fn as_nobody(place: &Place, home: &Path) -> Launch {
    let binary = place.top().join("orders");
    fs::copy(env!("CARGO_BIN_EXE_orders"), &binary).unwrap();
    let launch = if nix::unistd::geteuid().is_root() {
        let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
        std::os::unix::fs::chown(home, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).unwrap();
        let ids = [format!("--reuid={}", nobody.uid), format!("--regid={}", nobody.gid)];
        // The death signal again: changing the user takes it away.
        Launch::of("setpriv").args(ids).args(["--clear-groups", "--pdeathsig", "KILL", "--"]).arg(&binary)
    } else {
        Launch::of(&binary)
    };
    launch.env("HOME", home)
}
