//! How the system is, as the API's document tells it.

use super::MAX_MINUTES;
use crate::auth::permission::RunSystem;
use crate::openapi::{Operation, Tag};
use crate::ops::status::{History, Status};
use crate::problem::Code;
use http::{Method, StatusCode};
use serde_json::{Value, json};

pub(in crate::v1) fn operations() -> Vec<Operation> {
    vec![now(), history()]
}

fn now() -> Operation {
    let reader = json!({
        "kind": "consumer", "name": "order_mail", "state": "running", "position": 4_182, "lag_events": 3, "lag_s": 0.4,
        "events_per_s": 12.5, "time_left_s": null, "last_error": null, "stalled": false,
        "open": { "waiting": 1, "parked": 0, "unknown": 0, "is_exact": true },
    });
    let task = json!({
        "task": "sweep", "waiting": 4, "running": 0, "failed": 0, "next_at": at(), "overdue_s": null, "every_s": 600,
        "last_run_at": at(), "last_error": null,
    });
    let example = json!({
        "version": "0.1.0",
        "instance": { "host": "shop-1", "pid": 4_711, "started_at": at(), "uptime_s": 86_400 },
        "at": at(),
        "log": {
            "log_id": "01960000-0000-7000-8000-000000000001", "epoch": 1, "head": 4_185, "recorded_at": at(),
            "events_per_s": 12.5,
        },
        "commands": commands(),
        "readers": [reader],
        "tasks": [task],
        "stalled": [],
    });
    Operation::new(Method::GET, "/v1/ops/status", Tag::Operating, "getStatus", "How the system is at this moment")
        .about(
            "As the process that answers sees it, at most a second ago, or twenty times as long as finding out took; of readers that \
             other processes run, how far they are by what they write down. What it can't know of another process is `null`.",
        )
        .allowed::<RunSystem>()
        .refuses(&[Code::Unavailable])
        .answers::<Status>(StatusCode::OK, "How it is.", &[], example)
}

fn history() -> Operation {
    let reader = json!({ "kind": "relay", "name": "relay", "position": 4_185, "lag_events": 0, "lag_s": 0.0 });
    let sample = json!({ "at": at(), "head": 4_185, "commands": commands(), "readers": [reader], "tasks": [{ "task": "account_mail", "due": 0 }] });
    let minutes = json!({ "type": "integer", "minimum": 1, "maximum": MAX_MINUTES, "default": MAX_MINUTES });
    let path = "/v1/ops/status/history";
    Operation::new(Method::GET, path, Tag::Operating, "getStatusHistory", "How it was within the last hour")
        .about("In the process that answers, a sample every ten seconds. For small charts.")
        .allowed::<RunSystem>()
        .query("minutes", minutes, "How far back.")
        .answers::<History>(StatusCode::OK, "The samples.", &[], json!({ "every_s": 10, "samples": [sample] }))
}

fn commands() -> Value {
    json!({
        "accepted_per_s": 3.1, "not_accepted_per_s": 0.1, "p50_ms": 2.3, "p99_ms": 7.9, "batches_per_s": 2.9,
        "batch_commands": 1.1, "batch_events": 4.3, "waiting": 0,
    })
}

const fn at() -> &'static str {
    "2026-01-31T08:00:00.000000Z"
}
