//! The table in `docs/PERFORMANCE.md`, between two marks.

use super::Report;
use super::figure::{count, number};
use crate::stats::Spread;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

/// What stands between the marks, and before and behind.
fn parts(page: &str) -> [&str; 3] {
    let (before, rest) = page.split_once(BEGIN).expect("docs/PERFORMANCE.md has the mark where the table begins");
    let (table, after) = rest.split_once(END).expect("docs/PERFORMANCE.md has the mark where the table ends");
    [before, table, after]
}

/// Puts this run's table where the one before stood.
pub fn update(root: &Path, report: &Report) {
    let path = root.join("docs/PERFORMANCE.md");
    let text = fs::read_to_string(&path).expect("docs/PERFORMANCE.md can be read");
    let [before, _, after] = parts(&text);
    let page = format!("{before}{BEGIN}\n{}{END}{after}", table(report));
    fs::write(&path, page).expect("docs/PERFORMANCE.md can be written");
}

/// The figures' names in the table of the documentation.
#[cfg(test)]
pub fn names(root: &Path) -> Vec<String> {
    let page = fs::read_to_string(root.join("docs/PERFORMANCE.md")).expect("docs/PERFORMANCE.md can be read");
    let [_, table, _] = parts(&page);
    let cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | ")).map(|(name, _)| name);
    cells.skip(1).map(str::to_owned).collect()
}

fn table(report: &Report) -> String {
    let (met, judged) = count(&report.figures);
    let mut table = format!(
        "{} at commit `{}` on {}; {} rounds, {} s a turn; load before: {:.1}; {met} of {judged} targets met.\n\n{}\
         | what | min | median | max | unit | target | |\n|---|---:|---:|---:|---|---:|---|\n",
        report.at.get(..10).unwrap_or(&report.at),
        report.commit,
        report.machine,
        report.rounds,
        report.seconds_per_turn,
        report.load_before,
        warning(report)
    );
    for figure in &report.figures {
        let Spread { min, median, max } = figure.spread();
        let (target, verdict) = (figure.target_text(), figure.verdict());
        let [min, median, max] = [min, median, max].map(number);
        writeln!(table, "| {} | {min} | {median} | {max} | {} | {target} | {verdict} |", figure.name, figure.unit)
            .expect("a string can be written");
    }
    table
}

/// A paragraph on what makes the run a doubtful one.
fn warning(report: &Report) -> &'static str {
    match (report.is_busy(), report.dirty) {
        (true, true) => {
            "**The machine was busy before, and files differed from the commit: these figures say little.**\n\n"
        }
        (true, false) => "**The machine was busy before: these figures say little.**\n\n",
        (false, true) => "Files differed from the commit.\n\n",
        (false, false) => "",
    }
}
