//! The last hour in memory, a sample every ten seconds, for small charts; and the rates of the last minute.

use super::reader::{Look, ReaderId};
use super::status::{CommandStatus, History, ReaderSample, Sample, TaskSample};
use chrono::{DateTime, SecondsFormat, Utc};
use commands::meter::Reading;
use domain::Position;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// How much time lies between two samples.
pub const SAMPLE_EVERY: Duration = Duration::from_secs(10);
/// How many are kept: an hour, and the one that it begins with.
const KEPT_SAMPLES: usize = 361;
/// Over how many samples rates are told: a minute.
const RATE_SAMPLES: usize = 6;

/// Samples, and the counts that rates are told by. Its size has a bound, however long the process runs.
#[derive(Debug, Default)]
pub struct Samples {
    kept: VecDeque<Sample>,
    counts: VecDeque<Counts>,
}

/// What was counted up to one moment.
#[derive(Debug, Clone)]
struct Counts {
    at: Instant,
    reading: Reading,
    head: Position,
    progress: HashMap<ReaderId, u64>,
}

/// What is measured at one moment.
#[derive(Debug)]
pub struct Measured<'a> {
    /// By the clock that does not jump.
    pub at: Instant,
    /// By the one on the wall.
    pub time: DateTime<Utc>,
    /// What commands came to since the process began.
    pub reading: Reading,
    /// Commands that wait for the next batch.
    pub waiting: u64,
    /// Where the log ends.
    pub head: Position,
    /// Each reader here; in a process with an API those of others too.
    pub looks: &'a [Look],
    /// For how long the first event that a reader has not gone through has waited, in seconds.
    pub lag_s: &'a HashMap<ReaderId, f64>,
    /// What was due of each task of the schedule when it was counted last.
    pub due: &'a [TaskSample],
}

/// How fast all goes, over the last minute or as long as is known.
#[derive(Debug, Default)]
pub struct Rates {
    /// Commands.
    pub commands: CommandStatus,
    /// Events that were appended, per second.
    pub events_per_s: Option<f64>,
    readers: HashMap<ReaderId, f64>,
}

impl Rates {
    /// Events per second that a reader went through.
    pub fn of(&self, reader: ReaderId) -> Option<f64> {
        self.readers.get(&reader).copied()
    }
}

impl Samples {
    /// Keeps one sample more, and drops the oldest when an hour is full.
    pub fn take(&mut self, measured: &Measured<'_>) {
        let before = self.counts.back();
        let since = before.map(|before| (measured.reading.since(&before.reading), measured.at - before.at));
        let (reading, took) = since.unwrap_or((Reading::default(), Duration::ZERO));
        let readers = measured.looks.iter().map(|look| ReaderSample {
            kind: look.id.kind,
            name: look.id.name.to_owned(),
            position: look.position.map_or(0, |position| position.0),
            lag_events: look.lag_events,
            lag_s: measured.lag_s.get(&look.id).copied().or(look.waits_s),
        });
        self.kept.push_back(Sample {
            at: measured.time.to_rfc3339_opts(SecondsFormat::Micros, true),
            head: measured.head.0,
            commands: commands(&reading, took, measured.waiting),
            readers: readers.collect(),
            tasks: measured.due.to_vec(),
        });
        let progress = measured.looks.iter().map(|look| (look.id, look.progress)).collect();
        let (at, reading, head) = (measured.at, measured.reading.clone(), measured.head);
        self.counts.push_back(Counts { at, reading, head, progress });
        while self.kept.len() > KEPT_SAMPLES {
            self.kept.pop_front();
        }
        while self.counts.len() > RATE_SAMPLES {
            self.counts.pop_front();
        }
    }

    /// The rates from the oldest counts of the last minute up to now.
    pub fn rates(&self, now: &Measured<'_>) -> Rates {
        let Some(then) = self.counts.front().filter(|then| now.at > then.at) else {
            return Rates { commands: commands(&Reading::default(), Duration::ZERO, now.waiting), ..Rates::default() };
        };
        let took = now.at - then.at;
        let readers = now.looks.iter().filter_map(|look| {
            let before = *then.progress.get(&look.id)?;
            Some((look.id, per_second(look.progress.saturating_sub(before), took)))
        });
        Rates {
            commands: commands(&now.reading.since(&then.reading), took, now.waiting),
            // A process that has just begun has not heard of the head yet.
            events_per_s: (then.head > Position::ORIGIN)
                .then(|| per_second(now.head.0.saturating_sub(then.head.0), took)),
            readers: readers.collect(),
        }
    }

    /// The samples of the last `minutes`.
    pub fn last(&self, minutes: u64) -> History {
        let count = (minutes * 60 / SAMPLE_EVERY.as_secs()) as usize;
        let skipped = self.kept.len().saturating_sub(count);
        History { every_s: SAMPLE_EVERY.as_secs(), samples: self.kept.iter().skip(skipped).cloned().collect() }
    }
}

fn commands(reading: &Reading, took: Duration, waiting: u64) -> CommandStatus {
    let ms = |share| reading.latency(share).map(|latency| latency.as_secs_f64() * 1_000.0);
    let mean = |sum: u64| (reading.batches > 0).then(|| sum as f64 / reading.batches as f64);
    CommandStatus {
        accepted_per_s: per_second(reading.accepted, took),
        not_accepted_per_s: per_second(reading.not_accepted, took),
        p50_ms: ms(0.5),
        p99_ms: ms(0.99),
        batches_per_s: per_second(reading.batches, took),
        batch_commands: mean(reading.batch_commands),
        batch_events: mean(reading.batch_events),
        waiting,
    }
}

fn per_second(count: u64, took: Duration) -> f64 {
    if took.is_zero() { 0.0 } else { count as f64 / took.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::status::{ReaderKind, ReaderState};

    const RELAY: ReaderId = ReaderId { kind: ReaderKind::Relay, name: "relay" };

    fn look(position: u64) -> Look {
        let (state, lag_events) = (ReaderState::Running, Some(0));
        let position = Position(position);
        Look {
            id: RELAY,
            state,
            position: Some(position),
            lag_events,
            waits_s: None,
            progress: position.0,
            time_left_s: None,
            error: None,
        }
    }

    fn measured<'a>(
        start: Instant,
        seconds: u64,
        looks: &'a [Look],
        lag_s: &'a HashMap<ReaderId, f64>,
    ) -> Measured<'a> {
        let (at, time) = (start + Duration::from_secs(seconds), DateTime::UNIX_EPOCH);
        let head = Position(1_000 + seconds * 5);
        Measured { at, time, reading: Reading::default(), waiting: 0, head, looks, lag_s, due: &[] }
    }

    #[test]
    fn an_hour_is_kept_and_rates_are_those_of_the_last_minute() {
        let (mut samples, start, lag) = (Samples::default(), Instant::now(), HashMap::new());
        for nth in 0..1_000 {
            let seconds = nth * 10;
            samples.take(&measured(start, seconds, &[look(seconds * 3)], &lag));
        }
        assert_eq!((samples.kept.len(), samples.counts.len()), (KEPT_SAMPLES, RATE_SAMPLES));
        assert_eq!(samples.last(60).samples.len(), 360);
        assert_eq!(samples.last(1).samples.len(), 6);
        assert_eq!(samples.last(1).samples.last().map(|sample| sample.head), Some(1_000 + 9_990 * 5));
        let looks = [look(9_999 * 3)];
        let rates = samples.rates(&measured(start, 9_999, &looks, &lag));
        assert_eq!((rates.events_per_s, rates.of(RELAY)), (Some(5.0), Some(3.0)));
    }

    #[test]
    fn a_sample_has_what_was_due_of_each_task() {
        let (mut samples, lag) = (Samples::default(), HashMap::new());
        let due = [TaskSample { task: "letter".to_owned(), due: 30 }];
        samples.take(&Measured { due: &due, ..measured(Instant::now(), 1, &[], &lag) });
        assert_eq!(samples.last(60).samples[0].tasks, due);
    }

    #[test]
    fn before_the_first_sample_no_rate_is_known() {
        let lag = HashMap::new();
        let rates = Samples::default().rates(&measured(Instant::now(), 1, &[look(7)], &lag));
        assert_eq!((rates.events_per_s, rates.of(RELAY), rates.commands.p50_ms), (None, None, None));
    }
}
