//! What is looked at again and again instead of being counted.

use crate::ops::reader::{Look, ReaderId};
use crate::ops::status::{ReaderKind, ReaderState, Stalled};
use crate::ops::watchdog::Change;
use commands::schedule::{Job, JobState, TaskSummary};
use consumers::groups::Group;
use domain::Position;
use sqlx::PgPool;
use std::collections::HashMap;

/// Where the log ends, and how many commands wait to be appended.
pub(crate) fn log(head: Position, waiting: Option<usize>) {
    metrics::gauge!("orders_log_head_position").set(head.0 as f64);
    if let Some(waiting) = waiting {
        metrics::gauge!("orders_append_queue_commands").set(waiting as f64);
    }
}

/// The connections of this process to the database.
pub(crate) fn pool(pool: &PgPool) {
    let (all, idle) = (pool.size() as usize, pool.num_idle());
    metrics::gauge!("orders_database_connections", "state" => "idle").set(idle as f64);
    metrics::gauge!("orders_database_connections", "state" => "in_use").set(all.saturating_sub(idle) as f64);
    metrics::gauge!("orders_database_connections_max").set(f64::from(pool.options().get_max_connections()));
}

/// How many events views have still to go through: also of one that hangs, which tells nothing by itself. One that does
/// not lead is behind nothing, whatever it was before: whoever leads tells. The relay tells by itself.
pub(crate) fn lag_events(looks: &[Look]) {
    for look in looks.iter().filter(|look| look.id.kind == ReaderKind::Projection) {
        let lag = look.lag_events.unwrap_or(0);
        metrics::gauge!("orders_projection_lag_events", "projection" => look.id.name).set(lag as f64);
    }
}

/// For how long the first event has waited that a view or the relay has not gone through. None waits for one that does
/// not lead, nor for history that a view is built of.
pub(crate) fn lag_seconds(looks: &[Look], lag_s: &HashMap<ReaderId, f64>) {
    for Look { id, state, .. } in looks {
        let gauge = match id.kind {
            ReaderKind::Projection => metrics::gauge!("orders_projection_lag_seconds", "projection" => id.name),
            // A relay that leads and has not heard yet how far Kafka is knows nothing better than before.
            ReaderKind::Relay if *state != ReaderState::Standby && !lag_s.contains_key(id) => continue,
            ReaderKind::Relay => metrics::gauge!("orders_relay_lag_seconds"),
            ReaderKind::Consumer => continue,
        };
        gauge.set(lag_s.get(id).copied().unwrap_or(0.0));
    }
}

/// Whether anybody leads, by what is led.
pub(crate) fn led(roles: impl Iterator<Item = (ReaderId, bool)>) {
    for (id, is_led) in roles {
        metrics::gauge!("orders_led", "role" => id.to_string()).set(f64::from(u8::from(is_led)));
    }
}

/// The consumer groups: who is there, whether a person has paused them, how far they are behind, and what they have
/// open.
pub(crate) fn groups(groups: &[Group]) {
    for group in groups {
        let name = group.name;
        metrics::gauge!("orders_consumer_members", "consumer" => name).set(group.members.len() as f64);
        // Members say it too: but one that has gone, and a process that is none, would not.
        let is_paused = group.paused.is_some();
        metrics::gauge!("orders_consumer_paused", "consumer" => name).set(f64::from(u8::from(is_paused)));
        for (state, count) in [("parked", group.parked), ("unknown", group.unknown), ("waiting", group.waiting)] {
            metrics::gauge!("orders_consumer_entries", "consumer" => name, "state" => state).set(count as f64);
        }
        // What rests as a person wants it is not overdue.
        let due = group.due.filter(|_| !is_paused);
        let overdue_ms = due.map_or(0, |due| (group.at - due.since).num_milliseconds().max(0));
        metrics::gauge!("orders_consumer_due_seconds", "consumer" => name).set(overdue_ms as f64 / 1_000.0);
        if !group.partitions.is_empty() {
            metrics::gauge!("orders_consumer_lag_events", "consumer" => name).set(group.lag.events as f64);
            metrics::gauge!("orders_consumer_lag_seconds", "consumer" => name).set(group.lag.seconds);
        }
    }
}

/// What is watched, what stands, and what did until now.
pub(crate) fn stalled(watched: &[String], changes: &[Change], stalled: &[Stalled]) {
    let gone = changes.iter().filter_map(|change| match change {
        Change::Recovered(name, _) => Some(name),
        Change::Stalled(_) => None,
    });
    for name in watched.iter().chain(gone) {
        let stands = stalled.iter().any(|stalled| stalled.reader == *name);
        metrics::gauge!("orders_stalled", "reader" => name.clone()).set(f64::from(u8::from(stands)));
    }
}

/// The jobs of these tasks, of those that have not ended well. Of the cancelled ones, those that are `resting` until
/// somebody has them run: what they do is not done meanwhile.
pub(crate) fn jobs(tasks: &[&'static str], jobs: &[TaskSummary], resting: &[Job]) {
    for task in tasks.iter().copied() {
        for state in JobState::ALL {
            let count = match state {
                JobState::Done => continue,
                JobState::Cancelled => resting.iter().filter(|job| job.task == task).count() as u64,
                _ => jobs.iter().find(|jobs| jobs.task == task && jobs.state == state).map_or(0, |jobs| jobs.jobs),
            };
            metrics::gauge!("orders_jobs", "task" => task, "state" => state.as_str()).set(count as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};
    use consumers::groups::{Due, GroupState, Lag, Paused};
    use metrics_exporter_prometheus::PrometheusBuilder;

    const LIST: ReaderId = ReaderId { kind: ReaderKind::Projection, name: "order_list" };
    const RELAY: ReaderId = ReaderId { kind: ReaderKind::Relay, name: "relay" };

    fn look(id: ReaderId, state: ReaderState, lag_events: Option<u64>) -> Look {
        let position = lag_events.map(|_| Position(7));
        Look { id, state, position, lag_events, waits_s: None, progress: 7, time_left_s: None, error: None }
    }

    #[test]
    fn who_does_not_lead_any_more_is_behind_nothing() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let shown = |looks: [Look; 2], lag_s: HashMap<ReaderId, f64>| {
            metrics::with_local_recorder(&recorder, || {
                lag_events(&looks);
                lag_seconds(&looks, &lag_s);
            });
            let text = recorder.handle().render();
            let value = |name: &str| {
                let line =
                    text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in {text}"));
                line.rsplit(' ').next().unwrap().to_owned()
            };
            ["orders_projection_lag_events{", "orders_projection_lag_seconds{", "orders_relay_lag_seconds "].map(value)
        };
        let both = |state, lag| [look(LIST, state, lag), look(RELAY, state, lag)];
        let leads = both(ReaderState::Running, Some(90));
        assert_eq!(shown(leads, HashMap::from([(LIST, 75.0), (RELAY, 80.0)])), ["90", "75", "80"]);
        assert_eq!(shown(both(ReaderState::Standby, None), HashMap::new()), ["0", "0", "0"]);
        // Built of months of history, of which nobody waits.
        let builds = [look(LIST, ReaderState::Building, Some(4_000)), look(RELAY, ReaderState::Running, Some(0))];
        assert_eq!(shown(builds, HashMap::from([(RELAY, 3.0)])), ["4000", "0", "3"]);
        // It waits until its version is promoted; the relay has the lead again, and has not heard of Kafka.
        let waits = [look(LIST, ReaderState::Stopped, None), look(RELAY, ReaderState::Starting, None)];
        assert_eq!(shown(waits, HashMap::new()), ["0", "0", "3"]);
    }

    #[test]
    fn a_process_that_is_no_member_tells_that_a_group_is_paused_and_what_rests_is_not_overdue() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let since = DateTime::<Utc>::UNIX_EPOCH;
        let shown = |paused: Option<Paused>| {
            let group = Group {
                name: "order_mail",
                at: since + chrono::TimeDelta::seconds(90),
                state: GroupState::NoMembers,
                started_after: Some(Position::ORIGIN),
                paused,
                members: Vec::new(),
                partitions: Vec::new(),
                lag: Lag::default(),
                rewinding: Vec::new(),
                parked: 0,
                unknown: 0,
                waiting: 1,
                counts_are_exact: true,
                due: Some(Due { entry: 1, since }),
                last_error: None,
            };
            metrics::with_local_recorder(&recorder, || groups(&[group]));
            let text = recorder.handle().render();
            ["orders_consumer_paused{", "orders_consumer_due_seconds{"].map(|name| {
                let line = text.lines().find(|line| line.starts_with(name));
                line.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("{name} in {text}")).to_owned()
            })
        };
        let paused = Paused { at: since, by: "me".to_owned(), reason: "the server moves".to_owned() };
        assert_eq!(shown(Some(paused)), ["1", "0"]);
        assert_eq!(shown(None), ["0", "90"]);
    }

    #[test]
    fn a_periodic_job_that_was_cancelled_is_seen() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let then = DateTime::<Utc>::UNIX_EPOCH;
        let cancelled = Job {
            id: 1,
            task: "cart_sweep".to_owned(),
            key: String::new(),
            state: JobState::Cancelled,
            run_at: then,
            due_at: None,
            every_s: Some(60),
            attempts: 0,
            last_error: None,
            last_run_at: None,
            decided_by: Some("me".to_owned()),
            created_at: then,
        };
        let shown = |resting: &[Job]| {
            metrics::with_local_recorder(&recorder, || jobs(&["cart_sweep", "newsletter"], &[], resting));
            let text = recorder.handle().render();
            let mut lines: Vec<String> =
                text.lines().filter(|line| line.contains("\"cancelled\"")).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let told = |cart: u8| {
            let of = |task: &str, jobs: u8| format!("orders_jobs{{task=\"{task}\",state=\"cancelled\"}} {jobs}");
            vec![of("cart_sweep", cart), of("newsletter", 0)]
        };
        assert_eq!(shown(&[cancelled]), told(1));
        assert_eq!(shown(&[]), told(0));
    }
}
