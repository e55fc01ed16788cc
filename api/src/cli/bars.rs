//! Bars for a terminal: a line each, with a label before it and columns behind it.

use console::{measure_text_width, pad_str, style, truncate_str};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Where no terminal says how wide it is.
const DEFAULT_COLUMNS: usize = 80;
/// A label that is wider is cut.
const MAX_LABEL: usize = 32;
/// A bar is never less wide, however narrow the terminal.
const MIN_BAR: usize = 8;
/// Nor wider, as eyes do not follow.
const MAX_BAR: usize = 60;
/// Parts of one character, from one eighth to seven.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar<const N: usize> {
    pub(super) label: String,
    /// How long the bar is, against the others.
    pub(super) value: Decimal,
    /// What stands behind it, to the right.
    pub(super) cells: [String; N],
}

/// What the lines are drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paper {
    pub(super) columns: usize,
    pub(super) in_colour: bool,
}

impl Paper {
    /// Standard output: as wide as the terminal, and coloured where that is one and nobody asked for none (`NO_COLOR`).
    pub(super) fn of_stdout() -> Self {
        let terminal = console::Term::stdout();
        let columns = terminal.size_checked().map_or(DEFAULT_COLUMNS, |(_, columns)| columns.into());
        Self { columns, in_colour: terminal.is_term() && console::colors_enabled() }
    }
}

/// The lines, all cells of a column ending below each other; below them what is summed up, without bars.
pub(super) fn draw<const N: usize>(bars: &[Bar<N>], sums: &[Bar<N>], paper: Paper) -> String {
    let all = || bars.iter().chain(sums);
    let widest =
        |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| measure_text_width(text)).max().unwrap_or(0);
    let label_width = widest(&mut all().map(|bar| &bar.label)).min(MAX_LABEL);
    let widths: [usize; N] = std::array::from_fn(|column| widest(&mut all().map(|bar| &bar.cells[column])));
    let taken = label_width + widths.iter().map(|width| width + 2).sum::<usize>() + 2;
    let bar_width = paper.columns.saturating_sub(taken).clamp(MIN_BAR, MAX_BAR);
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or_default();
    let line = |bar: &Bar<N>, drawn: String| {
        let label = truncate_str(&bar.label, label_width, "…");
        let mut line = pad_str(&label, label_width, console::Alignment::Left, None).into_owned();
        line.push_str("  ");
        line.push_str(&coloured(&drawn, paper));
        line.push_str(&" ".repeat(bar_width.saturating_sub(measure_text_width(&drawn))));
        for (cell, width) in bar.cells.iter().zip(widths) {
            line.push_str("  ");
            line.push_str(&pad_str(cell, width, console::Alignment::Right, None));
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    };
    let drawn = bars.iter().map(|bar| line(bar, blocks(bar.value, most, bar_width)));
    drawn.chain(sums.iter().map(|sum| line(sum, String::new()))).collect()
}

fn coloured(drawn: &str, paper: Paper) -> String {
    style(drawn).green().force_styling(paper.in_colour).to_string()
}

/// A bar of as many blocks as its part of the most is of the width. What is more than nothing is seen.
fn blocks(value: Decimal, most: Decimal, width: usize) -> String {
    let Some(part) = value.checked_div(most) else { return String::new() };
    let eighths = part.checked_mul(Decimal::from(width * 8)).and_then(|eighths| eighths.round().to_usize());
    let eighths = match eighths.unwrap_or(0) {
        0 if value > Decimal::ZERO => 1,
        eighths => eighths.min(width * 8),
    };
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, value: i64, cell: &str) -> Bar<1> {
        Bar { label: label.to_owned(), value: Decimal::from(value), cells: [cell.to_owned()] }
    }

    #[test]
    fn a_bar_is_as_long_as_its_part_of_the_most() {
        let bars = [bar("Bath", 100, "$100.00"), bar("London", 50, "$50.00"), bar("York", 0, "$0.00")];
        let paper = Paper { columns: 27, in_colour: false };
        let expected = "\
Bath    ██████████  $100.00
London  █████        $50.00
York                  $0.00
";
        assert_eq!(draw(&bars, &[], paper), expected);
    }

    #[test]
    fn what_is_more_than_nothing_is_seen_and_lines_end_where_the_terminal_does() {
        let bars =
            [bar("a very long name of a place that nobody knows", 1_000_000, "$1,000,000.00"), bar("茶", 1, "$1.00")];
        for columns in [60, 80, 120] {
            let text = draw(&bars, &[bar("in all", 0, "$1,000,001.00")], Paper { columns, in_colour: false });
            assert!(text.contains('▏') && text.contains('…'), "{text}");
            for line in text.lines() {
                assert_eq!(measure_text_width(line), columns.min(32 + 2 + MAX_BAR + 2 + 13), "{text}");
            }
        }
        let coloured = draw(&bars, &[], Paper { columns: 80, in_colour: true });
        assert!(coloured.contains("\u{1b}[32m"), "{coloured}");
    }
}
