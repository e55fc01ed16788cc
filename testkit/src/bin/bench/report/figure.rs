//! One figure: what was measured, once per round, and what it should be.

use crate::stats::Spread;
use serde::Serialize;

/// No score is better.
const BEST: f64 = 100.0;

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    /// Whether the median of the rounds is so.
    fn is_met(self, median: f64) -> bool {
        match self {
            Self::AtLeast(least) => median >= least,
            Self::AtMost(most) => median <= most,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {}", number(least)),
            Self::AtMost(most) => format!("≤ {}", number(most)),
        }
    }

    /// How well it is met: 1 is just so, more is better.
    pub fn score(self, median: f64) -> f64 {
        match self {
            Self::AtLeast(least) => median / least,
            // Where nothing is allowed, nothing is best.
            Self::AtMost(most) if median <= most => (most / median).min(BEST).max(1.0),
            Self::AtMost(most) => most / median,
        }
    }
}

/// See the module.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// The scenario that found it.
    pub scenario: &'static str,
    /// What it is; the same in every run.
    pub name: String,
    /// `orders/s`, `ms`, `×`, …
    pub unit: &'static str,
    /// One number per round.
    pub rounds: Vec<f64>,
    pub target: Option<Target>,
}

impl Figure {
    /// A figure without a target.
    pub fn new(scenario: &'static str, name: impl Into<String>, unit: &'static str, rounds: Vec<f64>) -> Self {
        Self { scenario, name: name.into(), unit, rounds, target: None }
    }

    /// The same, which should be at least so much.
    pub fn at_least(mut self, least: f64) -> Self {
        self.target = Some(Target::AtLeast(least));
        self
    }

    /// The same, which should be at most so much.
    pub fn at_most(mut self, most: f64) -> Self {
        self.target = Some(Target::AtMost(most));
        self
    }

    /// Of all rounds.
    pub fn spread(&self) -> Spread {
        Spread::of(&self.rounds)
    }

    /// `met`, `missed`, or nothing where there is no target.
    pub fn verdict(&self) -> &'static str {
        match self.target.map(|target| target.is_met(self.spread().median)) {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        }
    }

    /// Its target in words.
    pub fn target_text(&self) -> String {
        self.target.map(Target::text).unwrap_or_default()
    }

    /// In one line, as soon as it is known.
    pub fn line(&self) -> String {
        let Spread { min, median, max } = self.spread();
        let target = if self.target.is_some() {
            format!(" (target {}: {})", self.target_text(), self.verdict())
        } else {
            String::new()
        };
        format!("{}: {} {} [{} – {}]{target}", self.name, number(median), self.unit, number(min), number(max))
    }
}

/// So many of so many targets are met.
pub fn count(figures: &[Figure]) -> (usize, usize) {
    let judged = figures.iter().filter(|figure| figure.target.is_some());
    (judged.clone().filter(|figure| figure.verdict() == "met").count(), judged.count())
}

/// The lines of a table in which columns stand below each other.
pub fn table(figures: &[Figure]) -> Vec<String> {
    let head = ["what", "min", "median", "max", "unit", "target", ""].map(str::to_owned);
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(figures.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    rows.iter()
        .map(|row| {
            let [what, min, median, max, unit, target, verdict] = row;
            let [w0, w1, w2, w3, w4, w5, _] = widths;
            format!("{what:w0$}  {min:>w1$}  {median:>w2$}  {max:>w3$}  {unit:w4$}  {target:>w5$}  {verdict}")
                .trim_end()
                .to_owned()
        })
        .collect()
}

fn row(figure: &Figure) -> [String; 7] {
    let Spread { min, median, max } = figure.spread();
    let unit = figure.unit.to_owned();
    [
        figure.name.clone(),
        number(min),
        number(median),
        number(max),
        unit,
        figure.target_text(),
        figure.verdict().to_owned(),
    ]
}

/// With as many digits as say something, and thousands apart.
pub fn number(number: f64) -> String {
    let digits = match number.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{number:.digits$}");
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, part)| (whole, Some(part)));
    let mut grouped = String::new();
    for (nth, digit) in whole.chars().enumerate() {
        if nth > 0 && (whole.len() - nth).is_multiple_of(3) && digit.is_ascii_digit() && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction {
        // 4.00 is 4.
        Some(fraction) if fraction.trim_end_matches('0').is_empty() => grouped,
        Some(fraction) => format!("{grouped}.{fraction}"),
        None => grouped,
    }
}
