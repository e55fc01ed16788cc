//! The table in `docs/PERFORMANCE.md`, between two marks.

use super::Report;
use super::figure::{count, number};
use crate::stats::Spread;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

/// Puts this run's table where the one before stood.
pub fn update(root: &Path, report: &Report) {
    let path = root.join("docs/PERFORMANCE.md");
    let text = fs::read_to_string(&path).expect("docs/PERFORMANCE.md can be read");
    let (before, rest) = text.split_once(BEGIN).expect("docs/PERFORMANCE.md has the mark where the table begins");
    let (_, after) = rest.split_once(END).expect("docs/PERFORMANCE.md has the mark where the table ends");
    let page = format!("{before}{BEGIN}\n{}{END}{after}", table(report));
    fs::write(&path, page).expect("docs/PERFORMANCE.md can be written");
}

fn table(report: &Report) -> String {
    let (met, judged) = count(&report.figures);
    let mut table = format!(
        "{} at commit `{}` on {}; {} rounds, {} s a turn; {met} of {judged} targets met.\n\n\
         | what | min | median | max | unit | target | |\n|---|---:|---:|---:|---|---:|---|\n",
        report.at.get(..10).unwrap_or(&report.at),
        report.commit,
        report.machine,
        report.rounds,
        report.seconds_per_turn
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
