//! The line at the top: what commands come to in this process, and the log, with the last hour of each.

use super::spark;
use super::views::{per_second, span};
use crate::admin::texts::{text, text_with};
use crate::ops::status::{History, Sample, Status};

/// A number.
pub(super) struct Number {
    pub(super) key: &'static str,
    pub(super) label: String,
    pub(super) value: String,
    pub(super) below: String,
    pub(super) spark: String,
}

pub(super) fn of(status: &Status, history: &History) -> Vec<Number> {
    let commands = &status.commands;
    let line =
        |value: fn(&Sample) -> Option<f64>| spark::points(&history.samples.iter().map(value).collect::<Vec<_>>());
    let worst = status.readers.iter().filter_map(|reader| Some((reader.lag_s?, reader.name.as_str())));
    let worst = worst.max_by(|(one, _), (other, _)| one.total_cmp(other));
    let growth: Vec<Option<f64>> = history
        .samples
        .windows(2)
        .map(|pair| Some(pair[1].head.saturating_sub(pair[0].head) as f64 / history.every_s.max(1) as f64))
        .collect();
    vec![
        Number {
            key: "rate",
            label: text("ops-rate"),
            value: per_second(commands.accepted_per_s),
            below: text_with("ops-not-accepted", &[("rate", per_second(commands.not_accepted_per_s).into())]),
            spark: line(|sample| Some(sample.commands.accepted_per_s)),
        },
        Number {
            key: "latency",
            label: text("ops-latency"),
            value: commands.p99_ms.map_or_else(nothing, ms),
            below: text_with("ops-half", &[("time", commands.p50_ms.map_or_else(nothing, ms).into())]),
            spark: line(|sample| sample.commands.p99_ms),
        },
        Number {
            key: "batch",
            label: text("ops-batch"),
            value: commands.batch_commands.map_or_else(nothing, |mean| format!("{mean:.1}")),
            below: text_with("ops-batches", &[("rate", per_second(commands.batches_per_s).into())]),
            spark: line(|sample| sample.commands.batch_commands),
        },
        Number {
            key: "head",
            label: text("ops-head"),
            value: status.log.head.to_string(),
            below: status.log.events_per_s.map_or_else(nothing, per_second),
            spark: spark::points(&growth),
        },
        Number {
            key: "lag",
            label: text("ops-worst-lag"),
            value: worst.map_or_else(nothing, |(lag_s, _)| lag(lag_s)),
            below: worst
                .filter(|(lag_s, _)| *lag_s >= 1.0)
                .map_or_else(|| text("ops-none-behind"), |(_, name)| name.to_owned()),
            spark: line(|sample| sample.readers.iter().filter_map(|reader| reader.lag_s).reduce(f64::max)),
        },
    ]
}

fn nothing() -> String {
    text("staff-nothing")
}

fn ms(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

/// A lag that is not worth a number is none.
pub(super) fn lag(seconds: f64) -> String {
    // Far below 2^53, and not negative.
    if seconds < 1.0 { "< 1 s".to_owned() } else { span(seconds as u64) }
}
