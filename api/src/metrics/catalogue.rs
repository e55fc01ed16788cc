//! Every number that there is. Their names, kinds and labels are an interface: they change by addition only.
//!
//! `docs/OPERATIONS.md` lists the same ones, and a test holds the two together, and both against what is counted in the
//! sources.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// What kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many were at most so large; the bounds.
    Histogram(&'static [f64]),
    /// Quantiles of what was seen lately.
    Summary,
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

impl Kind {
    /// As Prometheus' text format calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
            Self::Summary => "summary",
        }
    }
}

/// Bounds of everything that is measured in seconds.
const SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Bounds of how many there are in a batch, which has a thousand at most.
const IN_A_BATCH: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

const fn of(name: &'static str, kind: Kind, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind, labels, help }
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    of(name, Kind::Counter, labels, help)
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    of(name, Kind::Gauge, labels, help)
}

const fn seconds(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    of(name, Kind::Histogram(SECONDS), labels, help)
}

/// All of them.
pub const ALL: &[Metric] = &[
    counter("orders_http_requests_total", &["method", "path", "status_class"], "Requests that were answered."),
    seconds("orders_http_request_seconds", &["method", "path", "status"], "How long requests took."),
    gauge("orders_http_requests_in_flight", &[], "Requests that are worked on."),
    counter("orders_commands_total", &["outcome"], "Commands that came to their end."),
    seconds("orders_command_seconds", &[], "How long commands took, deciding and appending included."),
    counter("orders_commands_contended_total", &[], "Commands given up, as others were first time and again."),
    of("orders_append_batch_events", Kind::Summary, &[], "Events in a batch."),
    of("orders_append_batch_commands", Kind::Histogram(IN_A_BATCH), &[], "Commands in a batch that was written."),
    seconds("orders_append_seconds", &[], "How long writing a batch took, its flush to disk included."),
    seconds("orders_append_wait_seconds", &[], "How long commands waited for the batch before theirs."),
    gauge("orders_append_queue_commands", &[], "Commands that wait for the next batch."),
    counter("orders_append_conflicts_total", &[], "Batches in which another process was first."),
    counter("orders_append_replies_lost_total", &[], "Replies to a commit that were lost."),
    gauge("orders_log_head_position", &[], "The log's last position, as far as this process has heard."),
    gauge("orders_projection_position", &["projection"], "The last event in a view."),
    gauge("orders_projection_lag_events", &["projection"], "Events that a view has still to go through."),
    gauge("orders_projection_lag_seconds", &["projection"], "For how long the first of them has waited."),
    counter("orders_projection_events_total", &["projection"], "Events that a view went through."),
    of("orders_projection_batch_events", Kind::Summary, &["projection"], "Events in one step of a view."),
    gauge("orders_relay_position", &[], "The last event that was published."),
    gauge("orders_relay_lag_events", &[], "Events that have still to be published."),
    gauge("orders_relay_lag_seconds", &[], "For how long the first of them has waited."),
    counter("orders_relay_events_total", &[], "Events that were published."),
    counter("orders_relay_transactions_total", &[], "Kafka's transactions that were committed."),
    counter("orders_relay_transactions_failed_total", &[], "Kafka's transactions that were given up."),
    seconds("orders_relay_transaction_seconds", &[], "How long Kafka's transactions took."),
    counter("orders_relay_retries_total", &[], "How often the relay began anew."),
    gauge("orders_led", &["role"], "Whether anybody leads, in the relay or a view."),
    gauge("orders_consumer_members", &["consumer"], "Running programs that are members of a consumer."),
    gauge("orders_consumer_paused", &["consumer"], "1 while a person has a consumer paused."),
    gauge("orders_consumer_position", &["consumer"], "The last event that a consumer noted."),
    gauge(
        "orders_consumer_lag_records",
        &["consumer", "topic"],
        "Offsets of a topic that a member has still to pass, Kafka's own markers among them.",
    ),
    gauge("orders_consumer_lag_events", &["consumer"], "Events that a consumer has still to note, by the log."),
    gauge("orders_consumer_lag_seconds", &["consumer"], "For how long the first of them has waited."),
    counter("orders_consumer_records_total", &["consumer"], "Records that a consumer noted."),
    counter("orders_consumer_outcomes_total", &["consumer", "outcome"], "Attempts at effects, by what became of them."),
    counter("orders_dead_letters_total", &["consumer"], "Parked events that were published to the dead-letter topic."),
    gauge("orders_consumer_entries", &["consumer", "state"], "Effects that are open."),
    gauge("orders_consumer_due_seconds", &["consumer"], "For how long the first effect is due that nobody has begun."),
    counter("orders_consumer_restarts_total", &["consumer"], "How often a consumer began anew."),
    counter("orders_mails_total", &["outcome"], "Attempts at sending a mail."),
    seconds("orders_mail_send_seconds", &[], "How long attempts at sending a mail took."),
    counter("orders_jobs_total", &["task", "outcome"], "Attempts at jobs of the schedule."),
    gauge(
        "orders_jobs",
        &["task", "state"],
        "Jobs of the schedule that have not ended well, and periodic ones that were cancelled.",
    ),
    gauge("orders_task_up", &["task"], "Whether a background task runs."),
    counter("orders_task_restarts_total", &["task"], "How often a background task began anew."),
    gauge("orders_stalled", &["reader"], "Whether something makes no progress though there is work."),
    gauge("orders_database_connections", &["state"], "Connections to the database."),
    gauge("orders_database_connections_max", &[], "The most connections to the database."),
    seconds("orders_database_wait_seconds", &[], "How long questions waited for a connection."),
    gauge("orders_redis_connected", &[], "Whether the Redis that processes share is within reach."),
    counter("orders_page_reads_total", &["what", "outcome"], "What pages needed of the catalogue."),
    gauge("orders_live_sockets", &[], "Visitors who follow an order."),
    counter("orders_live_closed_total", &["why"], "Sockets that were closed, by why."),
    counter("orders_payment_notices_total", &["provider"], "Notices of payment providers that were taken down."),
    counter("orders_payment_notices_refused_total", &["provider"], "Notices that were nobody's."),
    gauge("orders_payment_notices_open", &["state"], "Notices that are not done with."),
    gauge("orders_payments_open", &["state"], "Payments that are not settled."),
    counter(
        "orders_trace_spans_total",
        &["outcome"],
        "Spans that ended: exported, dropped as there were too many, failed.",
    ),
    gauge("orders_build_info", &["version"], "1, with the version of the program."),
    gauge("process_start_time_seconds", &[], "When the process began, since 1970."),
    gauge("process_resident_memory_bytes", &[], "Memory that the process has in use."),
    counter("process_cpu_seconds_total", &[], "Time that processors spent on the process."),
    gauge("process_open_fds", &[], "Files and sockets that are open."),
    gauge("process_max_fds", &[], "The most files and sockets that may be open."),
];

/// Tells the recorder of all of them. Counters and histograms without labels begin at nothing: a rate can be told from
/// the first one on, and that a number is missing tells that the process is.
pub(super) fn describe() {
    for Metric { name, kind, labels, help } in ALL.iter().copied() {
        match kind {
            Kind::Counter => {
                describe_counter!(name, help);
                if labels.is_empty() {
                    metrics::counter!(name).increment(0);
                }
            }
            Kind::Gauge => describe_gauge!(name, help),
            Kind::Histogram(_) | Kind::Summary => {
                describe_histogram!(name, help);
                if labels.is_empty() {
                    let _begins_empty = metrics::histogram!(name);
                }
            }
        }
    }
}
