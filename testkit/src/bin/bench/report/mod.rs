//! What was found: figures beside their targets, as a table, as JSON, and as a history.

mod figure;
mod history;
mod page;
mod svg;

pub use figure::Figure;

use crate::options::Options;
use chrono::{SecondsFormat, Utc};
use history::Entry;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A load, before anything was started, from which on others disturb. The build just before counts a little.
const BUSY: f64 = 2.5;

/// One run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When it began.
    at: String,
    /// What was measured; with a + behind where files differed from it.
    commit: String,
    dirty: bool,
    /// On what.
    machine: String,
    /// How many processes wanted to run there in the minute before.
    load_before: f64,
    rounds: u32,
    seconds_per_turn: u64,
    quick: bool,
    figures: Vec<Figure>,
}

impl Report {
    /// Nothing found yet.
    pub fn begin(options: &Options) -> Self {
        let dirty = is_dirty();
        let report = Self {
            at: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            commit: commit(dirty),
            dirty,
            machine: machine(),
            load_before: load_average(),
            rounds: options.rounds(),
            seconds_per_turn: options.turn().as_secs(),
            quick: options.quick,
            figures: Vec::new(),
        };
        if report.is_busy() {
            eprintln!("bench: the machine is busy (load {:.1}): what is found says little", report.load_before);
        }
        report
    }

    /// Whether so much else ran before that the figures say little.
    fn is_busy(&self) -> bool {
        self.load_before > BUSY
    }

    /// Takes a figure down.
    pub fn add(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// The table, for people.
    pub fn print(&self) {
        println!("\n{}", self.machine);
        println!("{} · {} round(s), {} s a turn\n", self.commit, self.rounds, self.seconds_per_turn);
        for line in figure::table(&self.figures) {
            println!("{line}");
        }
        let (met, judged) = figure::count(&self.figures);
        println!("\n{met} of {judged} targets met");
    }

    /// Everything as JSON in `target/bench/`; a whole run goes into the history and the documentation too.
    pub fn write(&self, whole: bool) {
        let root = root();
        let directory = root.join("target/bench");
        fs::create_dir_all(&directory).expect("target/bench can be made");
        let file = directory.join(format!("{}.json", self.at.replace(':', "")));
        let json = serde_json::to_string_pretty(self).expect("figures are JSON");
        fs::write(&file, json).expect("target/bench can be written");
        println!("all figures: {}", file.display());
        if whole {
            let entries = history::append(&root, &Entry::of(self));
            svg::draw(&root, &entries);
            page::update(&root, self);
            println!("docs/bench/history.jsonl, docs/bench/history.svg and docs/PERFORMANCE.md have this run");
        }
    }
}

/// The names of the figures in the documentation.
#[cfg(test)]
pub fn documented() -> Vec<String> {
    page::names(&root())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("testkit lies in the workspace").to_owned()
}

/// The commit that is checked out, marked where files differ from it.
fn commit(dirty: bool) -> String {
    let commit = git(&["describe", "--always"]);
    let mark = if dirty { "+" } else { "" };
    if commit.is_empty() { "unknown".to_owned() } else { format!("{commit}{mark}") }
}

/// Whether there are files that the commit has not, or not so.
fn is_dirty() -> bool {
    !git(&["status", "--porcelain"]).is_empty()
}

/// What git says; nothing where this is no repository.
fn git(arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(root()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|minute| minute.parse().ok()).unwrap_or(0.0)
}

fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    let kib: f64 = kib.trim().trim_end_matches(" kB").parse().unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let system = if model.is_empty() { "unknown processor" } else { model };
    format!("{cores} cores ({system}), {:.0} GB of memory", kib / 1e6)
}
