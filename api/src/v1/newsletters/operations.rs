//! The operations on issues of the newsletter, as the API's document tells them.

use super::outcomes::OutcomesResource;
use super::release::{self, Scheduled};
use super::resource::IssueResource;
use super::write;
use crate::auth::permission::WriteNewsletters;
use crate::http::body::Accepts;
use crate::openapi::examples::{self, ISSUE};
use crate::openapi::{Operation, Tag};
use crate::problem::Code;
use domain::Prices;
use domain::newsletter::{Command, Newsletter};
use http::{Method, StatusCode};
use serde_json::{Value, json};

const PATH: &str = "/v1/newsletters";
const ONE: &str = "/v1/newsletters/{id}";
const DONE: [&str; 3] = ["Orders-Position", "ETag", "Idempotent-Replayed"];
const DRAFTED: [&str; 4] = ["Location", "Orders-Position", "ETag", "Idempotent-Replayed"];
const READ: [&str; 2] = ["Orders-Position", "ETag"];

pub(in crate::v1) fn operations() -> Vec<Operation> {
    let on = |method, path, id, summary| Operation::new(method, path, Tag::Newsletters, id, summary);
    let issue = shown();
    vec![
        on(Method::POST, PATH, "draftIssue", "Write an issue of the newsletter")
            .allowed::<WriteNewsletters>()
            .command()
            .body(Accepts::JSON, "DraftIssue", write::content, content())
            .refuses(&[Code::TooMany])
            .answers::<IssueResource<'_>>(StatusCode::CREATED, "It is written.", &DRAFTED, issue.clone()),
        on(Method::GET, ONE, "getIssue", "Read an issue")
            .allowed::<WriteNewsletters>()
            .at("id", id(), ISSUE)
            .versioned()
            .refuses(&[Code::NewsletterNotFound])
            .answers::<IssueResource<'_>>(StatusCode::OK, "The issue.", &READ, issue.clone())
            .answers_nothing(StatusCode::NOT_MODIFIED, "It is the version that the client has.", &READ),
        on(Method::PUT, ONE, "rewriteIssue", "Write an issue anew")
            .about("As a whole, as long as it has not gone out.")
            .allowed::<WriteNewsletters>()
            .at("id", id(), ISSUE)
            .command()
            .of_version_required()
            .body(Accepts::JSON, "RewriteIssue", write::content, content())
            .refuses(&[Code::NewsletterNotFound, Code::NewsletterReleased, Code::TooMany])
            .answers::<IssueResource<'_>>(StatusCode::OK, "It is written anew.", &DONE, issue.clone()),
        on(Method::POST, "/v1/newsletters/{id}/release", "releaseIssue", "Send an issue to the subscribers")
            .about("At once, or at the hour that `at` names. Released once, it is released for good.")
            .allowed::<WriteNewsletters>()
            .at("id", id(), ISSUE)
            .command()
            .of_version()
            .body(Accepts::JSON, "ReleaseIssue", release::at, json!({ "at": "2030-01-31T08:00:00Z" }))
            .refuses(&[Code::NewsletterNotFound, Code::NewsletterReleased, Code::NewsletterScheduled])
            .answers::<IssueResource<'_>>(StatusCode::OK, "It goes out.", &DONE, issue)
            .answers::<Scheduled>(StatusCode::ACCEPTED, "It goes out at its hour.", &[], scheduled()),
        on(Method::GET, "/v1/newsletters/{id}/outcomes", "getIssueOutcomes", "What became of an issue")
            .about("Counted by subscribers. Those whose turn has not come are in none.")
            .allowed::<WriteNewsletters>()
            .at("id", id(), ISSUE)
            .refuses(&[Code::NewsletterNotFound, Code::NewerEvent])
            .answers::<OutcomesResource>(
                StatusCode::OK,
                "How many.",
                &[],
                json!({ "sent": 120, "waiting": 2, "failed": 1, "unknown": 0 }),
            ),
    ]
}

fn id() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn content() -> Value {
    json!({ "subject": "New teas", "text": "The first picking is here." })
}

fn shown() -> Value {
    let drafted: Vec<Command> = examples::read(&content(), write::content).map(Command::Draft).into_iter().collect();
    examples::resource::<Newsletter>(ISSUE, &drafted, &Prices::default())
}

fn scheduled() -> Value {
    json!({ "id": ISSUE, "released": false, "release_at": "2030-01-31T08:00:00.000000Z" })
}
