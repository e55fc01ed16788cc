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
            Self::AtMost(_) if median == 0.0 => BEST,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_digits_that_say_something() {
        for (value, text) in [
            (0.0, "0"),
            (0.456, "0.46"),
            (4.0, "4"),
            (9.996, "10"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1_234.5, "1,234"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn the_median_is_what_is_judged() {
        let ratio = Figure::new("orders", "ratio", "×", vec![3.0, 4.0, 9.0]);
        assert_eq!(ratio.clone().at_least(4.0).verdict(), "met");
        assert_eq!(ratio.clone().at_least(4.1).verdict(), "missed");
        assert_eq!(ratio.clone().at_most(4.0).verdict(), "met");
        assert_eq!(ratio.verdict(), "");
    }

    #[test]
    fn one_is_just_as_it_should_be() {
        assert_eq!(Target::AtLeast(4.0).score(8.0), 2.0);
        assert_eq!(Target::AtMost(10.0).score(20.0), 0.5);
        assert_eq!(Target::AtMost(10.0).score(10.0), 1.0);
        assert_eq!((Target::AtMost(0.0).score(0.0), Target::AtMost(0.0).score(3.0)), (BEST, 0.0));
    }

    #[test]
    fn columns_stand_below_each_other() {
        let figures = [
            Figure::new("a", "short", "ms", vec![1.0]),
            Figure::new("a", "a longer name", "orders/s", vec![20_000.0]).at_least(10.0),
        ];
        assert_eq!(
            table(&figures),
            [
                "what              min  median     max  unit      target",
                "short               1       1       1  ms",
                "a longer name  20,000  20,000  20,000  orders/s    ≥ 10  met",
            ]
        );
    }
}
