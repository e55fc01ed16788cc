//! What is drawn, with the table that it is drawn of: the table has the exact texts, and a script draws what stands in
//! it. Without a script a sketch is drawn here, and rows that are ranked have their bars beside them always.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// How high a sketch is, and how wide a ranked bar, in units of its own.
const FULL: u32 = 100;
/// How far the bars of a sketch are apart, and how wide each is.
const STEP: u32 = 4;
const WIDTH: u32 = 3;

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Line,
    /// A second line beside a first one.
    Dashed,
    Bars,
}

impl Mark {
    /// As the script knows it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Dashed => "dashed",
            Self::Bars => "bars",
        }
    }
}

/// A column of a table of days.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) mark: Mark,
}

/// A value, exact, and as it is shown.
pub(super) struct Cell {
    pub(super) value: Decimal,
    pub(super) shown: String,
}

/// A day, and what its columns are.
pub(super) struct Day {
    pub(super) day: String,
    pub(super) cells: Vec<Cell>,
}

/// Something by day.
pub(super) struct Chart {
    /// Its own on the page.
    pub(super) id: String,
    pub(super) title: String,
    /// What is to be seen, in words.
    pub(super) words: String,
    /// Whose amounts they are; empty for counts.
    pub(super) currency: &'static str,
    pub(super) series: Vec<Series>,
    pub(super) days: Vec<Day>,
    /// Where the table is had as a file.
    pub(super) csv: String,
}

/// A bar of a sketch.
pub(super) struct SketchBar {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Chart {
    /// The first series as bars.
    pub(super) fn sketch(&self) -> Vec<SketchBar> {
        let most = self.firsts().max().unwrap_or_default();
        let bar = |(index, value)| {
            let height = part(value, most);
            SketchBar { x: STEP * index, y: FULL - height, width: WIDTH, height }
        };
        (0..).zip(self.firsts()).map(bar).collect()
    }

    /// How wide the sketch is.
    pub(super) fn sketch_width(&self) -> u32 {
        u32::try_from(self.days.len()).unwrap_or(u32::MAX).saturating_mul(STEP)
    }

    fn firsts(&self) -> impl Iterator<Item = Decimal> {
        self.days.iter().filter_map(|day| day.cells.first()).map(|cell| cell.value)
    }

    /// The day that has most of the first series, as `day: value`; `None` where there is nothing.
    pub(super) fn peak(&self) -> Option<(&str, &str)> {
        let first = |day: &Day| day.cells.first().map(|cell| cell.value).unwrap_or_default();
        let peak = self.days.iter().max_by_key(|day| first(day)).filter(|day| !first(day).is_zero())?;
        Some((&peak.day, &peak.cells.first()?.shown))
    }
}

/// A row that is longer the more it is.
pub(super) struct RankedRow {
    pub(super) label: String,
    /// What stands below the label.
    pub(super) detail: String,
    /// How long its bar is, of [`FULL`].
    pub(super) length: u32,
    pub(super) cells: Vec<String>,
}

/// Something by what it brought, or in steps.
pub(super) struct Ranked {
    pub(super) title: String,
    /// What is counted, where that has to be said.
    pub(super) note: Option<String>,
    pub(super) label_head: String,
    pub(super) heads: Vec<String>,
    pub(super) rows: Vec<RankedRow>,
    pub(super) csv: String,
}

impl Ranked {
    /// Rows with bars as long as their values are against the largest.
    pub(super) fn rows<T>(
        things: &[T],
        value: impl Fn(&T) -> Decimal,
        row: impl Fn(&T) -> RankedRow,
    ) -> Vec<RankedRow> {
        let most = things.iter().map(&value).max().unwrap_or_default();
        things.iter().map(|thing| RankedRow { length: part(value(thing), most), ..row(thing) }).collect()
    }
}

/// How much of [`FULL`] a value is of the most. What is more than nothing is seen.
fn part(value: Decimal, most: Decimal) -> u32 {
    let part = value.checked_div(most).and_then(|part| part.checked_mul(Decimal::from(FULL)));
    match part.and_then(|part| part.round().to_u32()).unwrap_or(0) {
        0 if value > Decimal::ZERO => 1,
        part => part.min(FULL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[i64]) -> Chart {
        let cell = |value: &i64| Cell { value: Decimal::from(*value), shown: format!("${value}") };
        let day = |(index, value)| Day { day: format!("2026-03-0{index}"), cells: vec![cell(value)] };
        let (id, title, words, csv) = Default::default();
        let days = (1..).zip(values).map(day).collect();
        Chart { id, title, words, currency: "USD", series: Vec::new(), days, csv }
    }

    #[test]
    fn a_sketch_is_as_high_as_its_highest_bar() {
        let chart = chart(&[50, 200, 0, 1]);
        let heights: Vec<_> = chart.sketch().iter().map(|bar| (bar.x, bar.y, bar.height)).collect();
        assert_eq!(heights, [(0, 75, 25), (4, 0, 100), (8, 100, 0), (12, 99, 1)]);
        assert_eq!((chart.sketch_width(), chart.peak()), (16, Some(("2026-03-02", "$200"))));
    }

    #[test]
    fn of_nothing_there_is_no_peak() {
        let chart = chart(&[0, 0]);
        assert_eq!(chart.peak(), None);
        assert!(chart.sketch().iter().all(|bar| bar.height == 0));
    }
}
