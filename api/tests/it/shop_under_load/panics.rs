//! Whether a process panicked, by what it wrote.

use api::logging;
use api::settings::{LogArgs, LogFormat};
use testkit::Launch;

/// As the log has a panic; and as Rust's own hook writes it, while there is no log yet.
const SIGNS: [&str; 2] = ["panicked: ", "panicked at "];

/// Fails if a process has panicked, in whatever thread or task, that wrote this.
pub fn none_in(output: &str, process: &str) {
    assert!(!SIGNS.iter().any(|sign| output.contains(sign)), "{process} panicked:\n{output}");
}

/// Tells this test, in a process of its own, that it is the one that panics: the hook belongs to a process as a whole.
const PANICS: &str = "TESTKIT_PANICS";

#[tokio::test]
async fn a_panic_is_found_as_the_program_writes_it() {
    if std::env::var_os(PANICS).is_some() {
        logging::init(&LogArgs { log: "info".to_owned(), log_format: LogFormat::Text }).unwrap();
        tokio::spawn(async { panic!("as a fault of the program would") }).await.unwrap_err();
        return;
    }
    let name = concat!(module_path!(), "::a_panic_is_found_as_the_program_writes_it");
    let (_, name) = name.split_once("::").unwrap();
    let this = Launch::of(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]);
    let written = this.env(PANICS, "1").run().await;
    assert!(written.status.success() && written.stderr.contains("as a fault of the program would"), "{written:?}");
    let found = std::panic::catch_unwind(|| none_in(&written.stderr, "it"));
    assert!(found.is_err(), "not found in {:?}", written.stderr);
    none_in("INFO a background task ended panicked=false", "one that did not");
}
