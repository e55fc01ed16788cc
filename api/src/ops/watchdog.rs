//! Says what makes no progress though there is work: once when that begins, and once when it is over.
//!
//! A reader that tells that it stands needs no watchdog. This is for one that believes to be at work: it waits for a
//! lock, for an answer that never comes, or for another that stands itself.

use super::reader::{Look, ReaderId};
use super::status::{ReaderKind, ReaderState, Stalled};
use chrono::{DateTime, Utc};
use consumers::groups::{Group, Partition};
use domain::Position;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Something that should make progress, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// What it is.
    pub name: String,
    /// Which part of it, where parts get on each by itself; empty for the whole.
    pub part: String,
    /// Whether there is work for it.
    pub has_work: bool,
    /// Differs from look to look as long as it makes progress.
    pub progress: u64,
    /// What it stands at, for people.
    pub detail: String,
}

impl Watched {
    /// A view or the relay. One that stands by has no work as long as anybody leads: that one has. Where nobody does,
    /// taking the lead is its work. One that a person paused has none, and one that stopped says so itself.
    pub fn reader(look: &Look, is_led: bool) -> Self {
        let lag = look.lag_events.unwrap_or(0);
        let position = look.position.map_or(0, |position| position.0);
        let why = look.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        let (has_work, detail) = match look.state {
            ReaderState::Standby => (!is_led, "it stands by, and nobody leads".to_owned()),
            ReaderState::Paused | ReaderState::Stopped | ReaderState::Elsewhere => (false, String::new()),
            _ => (lag > 0, format!("at position {position}, {lag} events behind{why}")),
        };
        Self { name: look.id.to_string(), part: String::new(), has_work, progress: look.progress, detail }
    }

    /// A consumer: whether its effects are begun, and whether it is handed what waits in each of its partitions.
    /// `published` is how far the relay is, where that is known: what Kafka does not have yet keeps no consumer busy.
    pub fn group(group: &Group, published: Option<Position>) -> Vec<Self> {
        let name = ReaderId { kind: ReaderKind::Consumer, name: group.name }.to_string();
        let is_paused = group.paused.is_some();
        let overdue_s = group.due.map_or(0, |due| (group.at - due.since).num_seconds());
        let effects = Self {
            name: name.clone(),
            part: "effects".to_owned(),
            has_work: group.due.is_some() && !is_paused,
            progress: group.due.map_or(0, |due| due.entry.unsigned_abs()),
            detail: format!(
                "{} effects wait, the first of them has been due for {overdue_s} s",
                group.counted(group.waiting)
            ),
        };
        let is_handed = |partition: &&Partition| {
            let is_there = |next| published.is_none_or(|published| next <= published);
            !is_paused && partition.next.is_some_and(is_there)
        };
        let partitions = group.partitions.iter().filter(is_handed).map(|partition| {
            let Partition { topic, partition: number, position, lag, held_by, .. } = partition;
            let held_by = held_by.as_deref().unwrap_or("nobody");
            Self {
                name: name.clone(),
                part: format!("{topic} {number}"),
                has_work: true,
                progress: position.0,
                detail: format!(
                    "at position {position} in partition {number} of {topic}, {} events behind, held by {held_by}",
                    lag.events
                ),
            }
        });
        std::iter::once(effects).chain(partitions).collect()
    }

    /// A task of the schedule, by when the first job that waits for it is due.
    pub fn task(task: &str, first_due: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let overdue_s = (now - first_due).num_seconds();
        Self {
            name: format!("schedule {task}"),
            part: String::new(),
            has_work: first_due < now,
            progress: first_due.timestamp_micros().unsigned_abs(),
            detail: format!("a job has been due for {overdue_s} s"),
        }
    }
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It makes no progress any more.
    Stalled(Stalled),
    /// It makes progress again, or there is no work any more; it stood for so long.
    Recovered(String, Duration),
}

/// Looks again and again.
#[derive(Debug)]
pub struct Watchdog {
    patience: Duration,
    /// By name and part.
    known: BTreeMap<(String, String), Known>,
}

#[derive(Debug)]
struct Known {
    progress: u64,
    /// When it last made progress, or had nothing to do.
    well_at: Instant,
    detail: String,
    had_work: bool,
    is_stalled: bool,
}

impl Watchdog {
    /// One that takes no progress within `patience` for a stall.
    pub fn new(patience: Duration) -> Self {
        Self { patience, known: BTreeMap::new() }
    }

    /// How long is waited for progress.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Looks once, at all that there is. What is not there any more is forgotten; what is `unseen` now, by its name,
    /// stands if it stood: that nobody could look is no progress.
    pub fn look(&mut self, now: Instant, watched: Vec<Watched>, unseen: &[String]) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut before = std::mem::take(&mut self.known);
        for Watched { name, part, has_work, progress, detail } in watched {
            let id = (name, part);
            let known = before.remove(&id);
            let is_well = !has_work || known.as_ref().is_none_or(|known| known.progress != progress || !known.had_work);
            let well_at = known.as_ref().filter(|_| !is_well).map_or(now, |known| known.well_at);
            let stood = now.duration_since(known.as_ref().map_or(now, |known| known.well_at));
            let was_stalled = known.is_some_and(|known| known.is_stalled);
            let is_stalled = !is_well && stood >= self.patience;
            match (was_stalled, is_stalled) {
                (false, true) => changes.push(Change::Stalled(stalled(&id.0, stood, &detail))),
                (true, false) => changes.push(Change::Recovered(id.0.clone(), stood)),
                _ => {}
            }
            self.known.insert(id, Known { progress, well_at, detail, had_work: has_work, is_stalled });
        }
        for (id, known) in before.into_iter().filter(|(_, known)| known.is_stalled) {
            if unseen.contains(&id.0) {
                self.known.insert(id, known);
            } else {
                changes.push(Change::Recovered(id.0, now.duration_since(known.well_at)));
            }
        }
        changes
    }

    /// What stands at this moment.
    pub fn stalled(&self, now: Instant) -> Vec<Stalled> {
        let stands = self.known.iter().filter(|(_, known)| known.is_stalled);
        stands.map(|((name, _), known)| stalled(name, now.duration_since(known.well_at), &known.detail)).collect()
    }
}

fn stalled(name: &str, stood: Duration, detail: &str) -> Stalled {
    Stalled { reader: name.to_owned(), since_s: stood.as_secs(), detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use consumers::groups::{Due, GroupState, Lag, Paused};
    use domain::AggregateType;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn at(progress: u64, has_work: bool) -> Vec<Watched> {
        let detail = format!("at position {progress}");
        vec![Watched { name: "relay".to_owned(), part: String::new(), has_work, progress, detail }]
    }

    #[test]
    fn a_stall_is_told_once_and_its_end_once() {
        let mut watchdog = Watchdog::new(PATIENCE);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(watchdog.look(start, at(7, true), &[]), []);
        assert_eq!(watchdog.look(after(29), at(7, true), &[]), []);
        let told = watchdog.look(after(30), at(7, true), &[]);
        let stall = Stalled { reader: "relay".to_owned(), since_s: 30, detail: "at position 7".to_owned() };
        assert_eq!(told, [Change::Stalled(stall)]);
        assert_eq!(watchdog.look(after(31), at(7, true), &[]), [], "it is told once");
        assert_eq!(watchdog.stalled(after(40)).first().map(|stalled| stalled.since_s), Some(40));
        let recovered = Change::Recovered("relay".to_owned(), Duration::from_secs(50));
        assert_eq!(watchdog.look(after(50), at(8, true), &[]), [recovered]);
        assert_eq!(watchdog.stalled(after(50)), []);
        assert_eq!(watchdog.look(after(79), at(8, true), &[]), [], "it has its patience again");
    }

    #[test]
    fn without_work_there_is_no_stall_however_long() {
        let mut watchdog = Watchdog::new(PATIENCE);
        let start = Instant::now();
        for hours in 0..48 {
            assert_eq!(watchdog.look(start + Duration::from_secs(hours * 3_600), at(7, false), &[]), []);
        }
        let told = watchdog.look(start + Duration::from_secs(48 * 3_600), at(7, true), &[]);
        assert_eq!(told, [], "the work has only just come");
    }

    #[test]
    fn what_is_there_no_more_has_recovered() {
        let mut watchdog = Watchdog::new(PATIENCE);
        let start = Instant::now();
        watchdog.look(start, at(7, true), &[]);
        assert_eq!(watchdog.look(start + PATIENCE, at(7, true), &[]).len(), 1);
        let told = watchdog.look(start + PATIENCE * 2, Vec::new(), &[]);
        assert_eq!(told, [Change::Recovered("relay".to_owned(), PATIENCE * 2)]);
    }

    #[test]
    fn that_nobody_could_look_is_no_progress() {
        let (mut watchdog, start, relay) = (Watchdog::new(PATIENCE), Instant::now(), "relay".to_owned());
        watchdog.look(start, at(7, true), &[]);
        assert_eq!(watchdog.look(start + PATIENCE, at(7, true), &[]).len(), 1);
        let unseen = std::slice::from_ref(&relay);
        assert_eq!(watchdog.look(start + PATIENCE * 2, Vec::new(), unseen), [], "it may stand still");
        let told = watchdog.stalled(start + PATIENCE * 2);
        assert_eq!(told.first().map(|stalled| stalled.since_s), Some(PATIENCE.as_secs() * 2));
        assert_eq!(watchdog.look(start + PATIENCE * 3, at(7, true), &[]), [], "it is told once");
        let told = watchdog.look(start + PATIENCE * 4, at(8, true), &[]);
        assert_eq!(told, [Change::Recovered(relay, PATIENCE * 4)]);
        // What did not stand has its patience anew: nobody knows what it did meanwhile.
        assert_eq!(watchdog.look(start + PATIENCE * 5, Vec::new(), &["relay".to_owned()]), []);
        assert_eq!(watchdog.look(start + PATIENCE * 6, at(8, true), &[]), []);
    }

    #[test]
    fn a_task_stalls_when_the_same_job_stays_due() {
        let (mut watchdog, start, due) = (Watchdog::new(PATIENCE), Instant::now(), DateTime::<Utc>::UNIX_EPOCH);
        let mut look = |seconds: u64, job_s: i64| {
            let now = due + TimeDelta::seconds(seconds.cast_signed());
            let task = Watched::task("sweep", due + TimeDelta::seconds(job_s), now);
            watchdog.look(start + Duration::from_secs(seconds), vec![task], &[]).len()
        };
        assert_eq!([look(1, 0), look(30, 0), look(31, 0)], [0, 0, 1]);
        assert_eq!([look(40, 20), look(69, 20), look(70, 20)], [1, 0, 1], "another job, and its own time");
        assert_eq!(look(71, 3_600), 1, "nothing is due any more");
    }

    #[test]
    fn one_partition_that_stands_is_seen_though_the_others_go_on() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(PATIENCE);
        let mut look = |seconds: u64, places: [(u64, Option<u64>); 2]| {
            let group = Group { partitions: vec![partition(0, places[0]), partition(1, places[1])], ..group() };
            watchdog.look(start + Duration::from_secs(seconds), Watched::group(&group, Some(Position(900))), &[])
        };
        assert_eq!(look(0, [(100, Some(101)), (7, Some(8))]), []);
        assert_eq!(look(29, [(500, Some(501)), (7, Some(8))]), []);
        let told = look(30, [(600, Some(601)), (7, Some(8))]);
        let [Change::Stalled(stalled)] = &told[..] else { panic!("{told:?}") };
        assert_eq!(stalled.reader, "consumer order_mail");
        assert_eq!(stalled.detail, "at position 7 in partition 1 of orders.events, 3 events behind, held by nobody");
        // It is handed old events again, as a person asked for: that is progress too.
        let told = look(31, [(700, Some(701)), (2, Some(3))]);
        assert!(matches!(&told[..], [Change::Recovered(name, _)] if name == "consumer order_mail"), "{told:?}");
        // What waits there is not published yet.
        assert_eq!(look(50, [(900, Some(901)), (900, Some(902))]), []);
        assert_eq!(look(99, [(900, Some(901)), (900, Some(902))]), []);
    }

    #[test]
    fn effects_that_nobody_begins_are_seen_though_events_are_noted() {
        let start = Instant::now();
        let (mut watchdog, due) = (Watchdog::new(PATIENCE), DateTime::<Utc>::UNIX_EPOCH);
        let mut look = |seconds: u64, entry: i64, paused: bool| {
            let paused = paused.then(|| Paused { at: due, by: "me".to_owned(), reason: "a look".to_owned() });
            let at = due + TimeDelta::seconds(seconds.cast_signed());
            let group = Group { at, due: Some(Due { entry, since: due }), waiting: seconds, paused, ..group() };
            watchdog.look(start + Duration::from_secs(seconds), Watched::group(&group, None), &[])
        };
        assert_eq!([look(0, 5, false), look(29, 5, false)], [[], []]);
        let told = look(30, 5, false);
        let [Change::Stalled(stalled)] = &told[..] else { panic!("{told:?}") };
        assert_eq!(stalled.detail, "30 effects wait, the first of them has been due for 30 s");
        assert_eq!(look(31, 6, false).len(), 1, "another one is the first by now");
        assert_eq!([look(99, 6, true), look(200, 6, true)], [[], []], "it rests as a person wants it");
    }

    #[test]
    fn who_stands_by_has_the_lead_to_take_and_who_stopped_says_so_itself() {
        let look = |state, lag_events| Look {
            id: ReaderId { kind: ReaderKind::Projection, name: "order_list" },
            state,
            position: None,
            lag_events,
            waits_s: None,
            progress: 7,
            time_left_s: None,
            error: None,
        };
        let has_work = |state, lag, is_led| Watched::reader(&look(state, lag), is_led).has_work;
        assert!(!has_work(ReaderState::Standby, None, true));
        assert!(has_work(ReaderState::Standby, None, false));
        assert!(has_work(ReaderState::Running, Some(1), true) && !has_work(ReaderState::Running, Some(0), true));
        for state in [ReaderState::Stopped, ReaderState::Paused] {
            assert!(!has_work(state, Some(1), true), "{state:?}");
        }
    }

    fn group() -> Group {
        Group {
            name: "order_mail",
            at: DateTime::<Utc>::UNIX_EPOCH,
            state: GroupState::Running,
            started_after: Some(Position::ORIGIN),
            paused: None,
            members: Vec::new(),
            partitions: Vec::new(),
            lag: Lag::default(),
            rewinding: Vec::new(),
            parked: 0,
            unknown: 0,
            waiting: 0,
            counts_are_exact: true,
            due: None,
            last_error: None,
        }
    }

    fn partition(number: i32, (position, next): (u64, Option<u64>)) -> Partition {
        Partition {
            kind: AggregateType::Order,
            topic: "orders.events".to_owned(),
            partition: number,
            position: Position(position),
            offset: None,
            lag: Lag { events: 3, is_exact: true, seconds: 1.0 },
            next: next.map(Position),
            held_by: None,
        }
    }
}
