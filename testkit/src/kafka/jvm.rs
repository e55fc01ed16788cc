//! The Java commands that make up a broker.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;

use crate::prerequisites::{cache, missing, require};
use crate::process;

/// How the Java machine is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setup {
    /// Up quickly and of little weight beside the tests, with a heap of so many mebibytes.
    Light(u32),
    /// As Kafka's own scripts start a broker.
    AsShipped,
}

/// A broker that lives for a minute beside the tests: no second compiler, no collector's threads.
const LIGHT: [&str; 2] = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/// What `kafka-server-start.sh` and `kafka-run-class.sh` give where nobody says otherwise.
const AS_SHIPPED: [&str; 7] = [
    "-Xmx1G",
    "-Xms1G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
];

/// A command that runs a main class out of Kafka's jars and dies with this process.
pub(super) fn command(setup: Setup, main_class: &str) -> Command {
    let mut command = process::command(&require("java", "default-jre-headless"), Signal::SIGKILL, None);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
    match setup {
        Setup::Light(heap_mebibytes) => command.arg(format!("-Xmx{heap_mebibytes}m")).args(LIGHT),
        Setup::AsShipped => command.args(AS_SHIPPED),
    };
    command
        .arg("-Djava.awt.headless=true")
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
