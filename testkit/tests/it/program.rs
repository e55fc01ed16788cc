//! A program as a child process, here the shell.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

use testkit::eventually;
use testkit::kafka::KafkaBroker;
use testkit::postgres::PostgresServer;
use testkit::program::Launch;

fn shell(script: &str) -> Launch {
    Launch::of("/bin/sh").args(["-c", script])
}

/// Whether a process is there and not only waiting to be reaped.
fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X'])))
}

#[tokio::test]
async fn it_gets_its_settings_and_nothing_of_ours() {
    let finished = shell("env; echo bad >&2; exit 3").env("ORDERS_LISTEN", "127.0.0.1:0").run().await;
    assert_eq!(finished.status.code(), Some(3));
    assert_eq!(finished.stderr, "bad\n");
    let names: Vec<&str> = finished.stdout.lines().filter_map(|line| line.split('=').next()).collect();
    assert!(names.contains(&"ORDERS_LISTEN"), "{names:?}");
    assert!(!names.contains(&"HOME") && !names.iter().any(|name| name.starts_with("CARGO")), "{names:?}");
}

#[tokio::test]
async fn a_line_is_waited_for_and_given() {
    let mut program = shell("echo starting; echo listening on 1234 >&2; exec sleep 60").spawn();
    assert_eq!(program.wait_for_line("listening on").await, "listening on 1234");
    assert_eq!(program.wait_for_line("starting").await, "starting");
    assert_eq!((program.stdout().as_str(), program.stderr().as_str()), ("starting\n", "listening on 1234\n"));
}

#[tokio::test]
async fn a_line_s_time_is_when_it_came_and_not_when_it_was_looked_for() {
    let mut program = shell("echo first; echo second").spawn();
    program.wait().await;
    let before_the_look = program.spawned().elapsed();
    let [first, second] = [
        program.time_to_line("first", Duration::from_secs(60)).await,
        program.time_to_line("second", Duration::from_secs(60)).await,
    ];
    assert!(first <= second && second <= before_the_look, "{first:?}, {second:?}, {before_the_look:?}");
}

#[tokio::test]
#[should_panic(expected = "ended without writing")]
async fn an_end_is_no_reason_to_wait_on() {
    shell("echo not this").spawn().wait_for_line("listening").await;
}

#[tokio::test]
async fn it_obeys_signals_and_can_be_killed() {
    let script = "trap 'echo drained; exit 0' TERM; echo up; while :; do sleep 0.05; done";
    let mut program = shell(script).spawn();
    program.wait_for_line("up").await;
    program.sigterm();
    assert_eq!(program.wait().await.code(), Some(0));
    assert_eq!(program.stdout(), "up\ndrained\n");

    let mut program = shell(script).spawn();
    program.wait_for_line("up").await;
    program.kill9();
    assert_eq!(program.wait().await.signal(), Some(9));
    assert_eq!(program.stdout(), "up\n");
}

#[tokio::test]
async fn dropped_it_is_gone() {
    let program = shell("exec sleep 60").spawn();
    let pid = program.pid();
    assert!(is_alive(pid));
    drop(program);
    assert!(!is_alive(pid));
}

/// The servers of a test process that is killed end with it, and their directories go: what no destructor can do. This
/// test starts itself again to be that process.
#[tokio::test]
async fn nothing_outlives_a_killed_test_process_not_even_kafka() {
    const ROLE: &str = "TESTKIT_TEST_START_SERVERS";
    if std::env::var_os(ROLE).is_some() {
        return start_servers_and_wait().await;
    }
    let name = "program::nothing_outlives_a_killed_test_process_not_even_kafka";
    let ourselves = std::env::current_exe().unwrap();
    let mut process = Launch::of(ourselves).args(["--exact", name, "--nocapture"]).env(ROLE, "1").spawn();
    let line = process.wait_for_line("started: ").await;
    let (pids, directory) = line.split_once("started: ").unwrap().1.split_once(" in ").unwrap();
    let pids: Vec<u32> = pids.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| is_alive(*pid)) && Path::new(directory).exists());
    process.kill9();
    eventually("its servers are gone", Duration::from_secs(20), async || !pids.iter().any(|pid| is_alive(*pid))).await;
    eventually("its directory is gone", Duration::from_secs(20), async || !Path::new(directory).exists()).await;
}

async fn start_servers_and_wait() {
    let (postgres, kafka) = (PostgresServer::start(), KafkaBroker::start());
    let program = shell("exec sleep 600").spawn();
    let directory = postgres.socket_directory().display();
    println!("\nstarted: {} {} {} in {directory}", postgres.pid(), kafka.pid(), program.pid());
    std::future::pending::<()>().await;
}
