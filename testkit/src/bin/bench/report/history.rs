//! All whole runs, one line of JSON each, in `docs/bench/history.jsonl`.

use super::Report;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What is kept of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    pub at: String,
    pub commit: String,
    pub machine: String,
    /// How many processes wanted to run there in the minute before; not known of the oldest runs.
    #[serde(default)]
    pub load_before: Option<f64>,
    /// Whether files differed from the commit; not known of the oldest runs.
    #[serde(default)]
    pub dirty: Option<bool>,
    /// The median of each figure.
    pub medians: BTreeMap<String, f64>,
    /// How well each target was met: 1 is just so.
    pub scores: BTreeMap<String, f64>,
}

impl Entry {
    /// Of this run.
    pub fn of(report: &Report) -> Self {
        let medians = report.figures.iter().map(|figure| (figure.name.clone(), round(figure.spread().median)));
        let scores = report.figures.iter().filter_map(|figure| {
            let score = figure.target?.score(figure.spread().median);
            Some((figure.name.clone(), round(score)))
        });
        Self {
            at: report.at.clone(),
            commit: report.commit.clone(),
            machine: report.machine.clone(),
            load_before: Some(report.load_before),
            dirty: Some(report.dirty),
            medians: medians.collect(),
            scores: scores.collect(),
        }
    }
}

/// To four digits behind the point: a line is to be read too.
fn round(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

/// Adds a run; gives all of them, the oldest first.
pub fn append(root: &Path, entry: &Entry) -> Vec<Entry> {
    let path = path(root);
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("docs/bench can be made");
    let mut file = File::options().create(true).append(true).open(&path).expect("the history can be written");
    let line = serde_json::to_string(entry).expect("an entry is JSON");
    writeln!(file, "{line}").expect("the history can be written");
    let text = fs::read_to_string(&path).expect("the history can be read");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is a run")).collect()
}

fn path(root: &Path) -> PathBuf {
    root.join("docs/bench/history.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_from_before_more_was_written_down_can_be_read() {
        let line = r#"{"at":"2026-01-01T00:00:00Z","commit":"c0ffee","machine":"2 cores","medians":{},"scores":{}}"#;
        let entry: Entry = serde_json::from_str(line).unwrap();
        assert_eq!((entry.load_before, entry.dirty), (None, None));
    }
}
