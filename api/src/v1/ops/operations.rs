//! The operations under `/v1/ops`, as the API's document tells them.

use super::super::paging::PageResource;
use super::audit::ActionResource;
use super::dead_letters::LetterResource;
use super::instances::InstancesResource;
use super::mails::{MailsResource, asked as search};
use super::parked::operations::BODY;
use super::schedule::{DecidedResource, JobResource};
use super::words::Words;
use super::{consumers, parked, projections, status};
use crate::auth::permission::RunSystem;
use crate::http::body::{Accepts, Shaped};
use crate::openapi::examples::{self, ORDER};
use crate::openapi::{Operation, Tag};
use crate::problem::Code;
use http::{Method, StatusCode};
use serde_json::json;

pub(in crate::v1) fn operations() -> Vec<Operation> {
    [
        vec![schedule(), instances()],
        projections::operations::operations(),
        parked::operations::operations(),
        consumers::operations::operations(),
        mails(),
        jobs(),
        vec![dead_letters(), audit()],
        status::operations::operations(),
    ]
    .concat()
}

fn schedule() -> Operation {
    let job = json!({
        "id": 1, "task": "sweep", "key": "carts", "state": "waiting", "run_at": "2026-01-31T08:00:00.000000Z",
        "next_look_at": "2026-01-31T08:00:00.000000Z", "every_s": 600, "attempts": 0, "last_error": null,
        "last_run_at": null, "decided_by": null,
    });
    Operation::new(
        Method::GET,
        "/v1/ops/schedule",
        Tag::Operating,
        "listJobs",
        "Work at a given time, and periodic work",
    )
    .about("Times that are not known yet are `null`.")
    .allowed::<RunSystem>()
    .query("all", json!({ "type": "boolean" }), "Also jobs that ended well or were cancelled.")
    .in_pages()
    .refuses(&[Code::Unavailable])
    .answers::<PageResource<JobResource<'_>>>(StatusCode::OK, "A page of jobs.", &[], examples::page(&[job]))
}

fn instances() -> Operation {
    let at = "2026-01-31T08:00:00.000000Z";
    let example = json!({ "data": [{
        "id": "01960000-0000-7000-8000-000000000006", "host": "shop-1", "pid": 4711, "command": "orders relay",
        "version": "0.1.0", "started_at": at, "seen_at": at, "lives": true,
        "leads": [{ "name": "relay", "since": at, "taken": 3 }],
    }] });
    Operation::new(Method::GET, "/v1/ops/instances", Tag::Operating, "listInstances", "The running processes")
        .about("And who leads what: of the relay, and of each projection, one does the work and the others stand by.")
        .allowed::<RunSystem>()
        .answers::<InstancesResource>(StatusCode::OK, "All of them, the oldest first.", &[], example)
}

fn dead_letters() -> Operation {
    let letter = json!({
        "offset": 12, "item": 7, "consumer": "order_mail", "type": "OrderPlaced", "key": ORDER, "position": 42,
        "reason": "RCPT TO: 550 mailbox unavailable", "attempts": 1, "parked_at": "2026-01-31T08:00:01.000000Z",
        "came_from": { "topic": "orders.events", "partition": 3, "offset": 17 },
        "correlation_id": "01960000-0000-7000-8000-000000000004", "value": "{\"OrderPlaced\":{\"number\":1001}}", "value_omitted": null,
    });
    Operation::new(Method::GET, "/v1/ops/dead-letters", Tag::Operating, "listDeadLetters", "What was parked, as Kafka has it")
        .about(
            "The records of the dead-letter topic, the newest first: each parking, with the record as it came. The ledger says what is \
             still parked: a letter is redriven by `POST /v1/ops/parked/{id}/retry` with its `item`. Asked of a process that knows of \
             Kafka. A page has about 8 MiB at most, so it may be short. What a record says may be personal, and is for keys with the \
             scope `analyst` besides: without it, `value` is `null`.",
        )
        .allowed::<RunSystem>()
        .in_pages()
        .refuses(&[Code::KafkaNotConfigured, Code::KafkaUnavailable, Code::Overloaded])
        .answers::<PageResource<LetterResource<'_>>>(StatusCode::OK, "A page of them.", &[], examples::page(&[letter]))
}

fn audit() -> Operation {
    let action = json!({
        "id": 12, "at": "2026-01-31T08:00:00.000000Z", "actor": "cli:ada@shop-1", "action": "parked.retry", "target": "",
        "arguments": { "consumer": "order_mail" }, "count": 3, "outcome": "done", "detail": null,
    });
    Operation::new(Method::GET, "/v1/ops/audit", Tag::Operating, "listActions", "What operators did")
        .about("The newest first.")
        .allowed::<RunSystem>()
        .query("actor", Words::shape(), "By this actor.")
        .query("action", Words::shape(), "This action; one that ends in a dot stands for all that begin so.")
        .query("target", Words::shape(), "About this.")
        .in_pages()
        .answers::<PageResource<ActionResource<'_>>>(StatusCode::OK, "A page of it.", &[], examples::page(&[action]))
}

fn mails() -> Vec<Operation> {
    let mail = json!({
        "sender": "order_mail", "cause": "OrderPlaced", "order": ORDER, "state": "parked",
        "why": "RCPT TO: 550 mailbox unavailable", "attempts": 1, "item": 7, "is_to_address": null,
        "event": {
            "id": "01960000-0000-7000-8000-000000000005", "position": 42,
            "recorded_at": "2026-01-31T08:00:00.000000Z", "partition": 3, "offset": 17,
        },
        "failed_attempts": [],
        "message_id": "01960000-0000-7000-8000-000000000005.a1b2c3d4e5f60718@example.com",
        "noted_at": "2026-01-31T08:00:00.000000Z", "since": "2026-01-31T08:00:01.000000Z", "next_at": null,
    });
    let example = json!({ "data": [mail], "is_complete": true, "leaves_out": null });
    vec![
        Operation::new(Method::GET, "/v1/ops/mails", Tag::Operating, "listMails", "What became of the mails of an order")
            .about(
                "Each that an event calls for, and those of the schedule, with what the mail server answered; and why there is none \
                 where there is none.",
            )
            .allowed::<RunSystem>()
            .required_query("order", json!({ "type": "string", "format": "uuid" }), "The order.")
            .refuses(&[Code::OrderNotFound])
            .answers::<MailsResource<'_>>(StatusCode::OK, "The mails.", &[], example.clone()),
        Operation::new(
            Method::POST,
            "/v1/ops/mails/search",
            Tag::Operating,
            "searchMails",
            "What became of the mails to an address",
        )
        .about(
            "Those of its newest 50 orders, the newest 200 of the schedule, and of the newsletter; `is_complete` says whether these are \
             all that an address finds. An order whose address was corrected is found by its present one, and by a former one only \
             where the schedule wrote to that: `leaves_out` says so. A POST, so that no address stands in a URL.",
        )
        .allowed::<RunSystem>()
        .body(Accepts::JSON, "SearchMails", search, json!({ "email": "ada@example.com" }))
        .refuses(&[Code::ProjectionBehind])
        .answers::<MailsResource<'_>>(StatusCode::OK, "The mails.", &[], example),
    ]
}

fn jobs() -> Vec<Operation> {
    let on = |path, name, summary, about| {
        Operation::new(Method::POST, path, Tag::Operating, name, summary)
            .about(about)
            .allowed::<RunSystem>()
            .at("id", json!({ "type": "integer", "minimum": 1, "format": "int64" }), "1")
            .empty_body()
            .refuses(&BODY)
            .refuses(&[Code::JobNotFound])
            .answers::<DecidedResource>(StatusCode::OK, "It is decided.", &[], json!({ "id": 1 }))
    };
    vec![
        on(
            "/v1/ops/schedule/{id}/run",
            "runJob",
            "Have a job run now",
            "One that waits, that failed, or of which it is not known whether it is done; also a periodic one that was \
             cancelled.",
        ),
        on(
            "/v1/ops/schedule/{id}/cancel",
            "cancelJob",
            "Cancel a job",
            "One that acts outside at this moment can't be called back.",
        ),
    ]
}
