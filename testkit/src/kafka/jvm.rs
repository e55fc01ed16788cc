//! The Java commands that make up a broker.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;

use crate::prerequisites::{cache, missing, require};
use crate::process;

/// A command that runs a main class out of Kafka's jars and dies with this process.
pub(super) fn command(heap_mebibytes: u32, main_class: &str) -> Command {
    let mut command = process::command(&require("java", "default-jre-headless"), Signal::SIGKILL, None);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .arg(format!("-Xmx{heap_mebibytes}m"))
        // A broker that lives for a minute beside the tests: no second compiler, no collector's threads.
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true"])
        .arg("-Dorg.apache.logging.log4j.level=WARN")
        .arg("-cp")
        .arg(jars().join("*"))
        .arg(main_class);
    command
}

fn jars() -> PathBuf {
    let jars = cache().join("kafka");
    if !holds_a_broker(&jars) {
        missing(&format!("the Apache Kafka broker (jars in {})", jars.display()), "maven, from Maven Central");
    }
    jars
}

fn holds_a_broker(jars: &Path) -> bool {
    let names = fs::read_dir(jars).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.into_iter().any(|name| name.to_string_lossy().starts_with("kafka_2.13-"))
}
