//! The history as a drawing: for each target one small chart of how well it was met, run by run.

use super::history::Entry;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const COLUMNS: usize = 2;
const CHART: (f64, f64) = (460.0, 92.0);
const MARGIN: f64 = 16.0;
/// Of the plotted area within a chart: left, top, width, height.
const PLOT: (f64, f64, f64, f64) = (4.0, 26.0, 380.0, 48.0);
/// The newest runs are drawn.
const RUNS_AT_MOST: usize = 40;
/// Scores are drawn from a quarter to four times the target, on a logarithmic scale.
const WIDEST: f64 = 4.0;

/// Writes `docs/bench/history.svg`.
pub fn draw(root: &Path, entries: &[Entry]) {
    let newest = &entries[entries.len().saturating_sub(RUNS_AT_MOST)..];
    fs::write(root.join("docs/bench/history.svg"), picture(newest)).expect("the drawing can be written");
}

fn picture(entries: &[Entry]) -> String {
    let names: BTreeSet<&str> = entries.iter().flat_map(|entry| entry.scores.keys().map(String::as_str)).collect();
    let rows = names.len().div_ceil(COLUMNS);
    let (width, height) = (CHART.0 * COLUMNS as f64 + 2.0 * MARGIN, CHART.1 * rows as f64 + 2.0 * MARGIN + 14.0);
    let (first, last) = (entries.first(), entries.last());
    let day = |entry: Option<&Entry>| entry.map_or("", |entry| entry.at.get(..10).unwrap_or("")).to_owned();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"11\" role=\"img\" aria-label=\"How well each target of the benchmark was met, run by run\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"{}\" fill=\"#57606a\">{} {}, {} – {}; the line is the target, above it is better; \
         scale logarithmic, 1/{WIDEST} to {WIDEST}×</text>\n",
        MARGIN + 2.0,
        entries.len(),
        if entries.len() == 1 { "run" } else { "runs" },
        day(first),
        day(last)
    );
    for (nth, name) in names.iter().enumerate() {
        let x = MARGIN + CHART.0 * (nth % COLUMNS) as f64;
        let y = MARGIN + 14.0 + CHART.1 * (nth / COLUMNS) as f64;
        let scores: Vec<Option<f64>> = entries.iter().map(|entry| entry.scores.get(*name).copied()).collect();
        let median = entries.iter().rev().find_map(|entry| entry.medians.get(*name));
        chart(&mut svg, (x, y), name, &scores, median.copied());
    }
    svg.push_str("</svg>\n");
    svg
}

fn chart(svg: &mut String, (x, y): (f64, f64), name: &str, scores: &[Option<f64>], median: Option<f64>) {
    let (left, top, width, height) = PLOT;
    let (left, top) = (x + left, y + top);
    let step = width / scores.len().saturating_sub(1).max(1) as f64;
    // The target is in the middle.
    let place = |score: f64| top + height / 2.0 * (1.0 - (score.log(WIDEST)).clamp(-1.0, 1.0));
    let points: Vec<(f64, f64, f64)> = scores
        .iter()
        .enumerate()
        .filter_map(|(nth, score)| score.map(|score| (left + step * nth as f64, place(score), score)))
        .collect();
    let line: Vec<String> = points.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
    let (name, latest) = (escaped(name), median.map(super::figure::number).unwrap_or_default());
    write!(
        svg,
        "<text x=\"{left}\" y=\"{}\" fill=\"#1f2328\">{name}</text>\n\
         <line x1=\"{left}\" x2=\"{}\" y1=\"{2}\" y2=\"{2}\" stroke=\"#afb8c1\" stroke-dasharray=\"3 3\"/>\n\
         <polyline points=\"{3}\" fill=\"none\" stroke=\"#0969da\" stroke-width=\"1.5\"/>\n",
        y + 18.0,
        left + width,
        top + height / 2.0,
        line.join(" ")
    )
    .expect("a string can be written");
    for (x, y, score) in &points {
        let colour = if *score >= 1.0 { "#1a7f37" } else { "#cf222e" };
        writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>")
            .expect("a string can be written");
    }
    writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" fill=\"#1f2328\">{latest}</text>",
        left + width + 8.0,
        top + height / 2.0 + 4.0
    )
    .expect("a string can be written");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn entry(at: &str, score: f64) -> Entry {
        let one = |name: &str, value| BTreeMap::from([(name.to_owned(), value)]);
        let (at, commit, machine) = (at.to_owned(), "c0ffee".to_owned(), "2 cores".to_owned());
        Entry {
            at,
            commit,
            machine,
            load_before: Some(0.5),
            dirty: Some(false),
            medians: one("201 → mail, p99 < 60", 42.0),
            scores: one("201 → mail, p99 < 60", score),
        }
    }

    #[test]
    fn each_target_has_a_chart_with_a_dot_for_each_run() {
        let svg = picture(&[entry("2026-01-01T00:00:00Z", 0.5), entry("2026-01-02T00:00:00Z", 1.5)]);
        assert!(svg.contains("2 runs, 2026-01-01 – 2026-01-02"), "{svg}");
        assert!(svg.contains("201 → mail, p99 &lt; 60"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 2);
        assert_eq!((svg.matches("#cf222e").count(), svg.matches("#1a7f37").count()), (1, 1));
        assert_eq!(svg.matches('<').count(), svg.matches('>').count());
        assert!(picture(&[entry("2026-01-01T00:00:00Z", 0.5)]).contains(">1 run, "));
    }
}
