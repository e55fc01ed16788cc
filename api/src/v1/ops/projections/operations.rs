//! The operations on read models and their builds, as the API's document tells them.

use super::compare::{self, DiffResource};
use super::exchange;
use super::resource::{ViewResource, ViewsResource};
use crate::auth::permission::RunSystem;
use crate::http::body::Accepts;
use crate::openapi::{Operation, Tag};
use crate::problem::Code;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const PATH: &str = "/v1/ops/projections";
const ONE: &str = "/v1/ops/projections/{name}";
const BUILD: &str = "order_list_v3_2";
const OLDER: &str = "order_list_v3_1";

pub(in crate::v1) fn operations() -> Vec<Operation> {
    let on =
        |method, path, id, summary| Operation::new(method, path, Tag::Operating, id, summary).allowed::<RunSystem>();
    let named = |operation: Operation| {
        operation.at("name", json!({ "type": "string" }), "order_list").refuses(&[Code::ProjectionNotFound])
    };
    let shown = projection();
    vec![
        on(Method::GET, PATH, "listProjections", "The read models and their builds").answers::<ViewsResource>(
            StatusCode::OK,
            "All of them.",
            &[],
            json!({ "head": 4200, "data": [shown.clone()] }),
        ),
        named(on(Method::GET, ONE, "getProjection", "A read model and its builds")).answers::<ViewResource>(
            StatusCode::OK,
            "How it is.",
            &[],
            shown.clone(),
        ),
        named(on(Method::POST, "/v1/ops/projections/{name}/rebuild", "rebuildProjection", "Build a read model anew"))
            .about(
                "Beside the build that is read, by the instance that leads the projection, in the background; asked for \
                 again, it is gone on with, and what was asked for last counts. With `promote: false` it waits to be compared and \
                 promoted; as long as one waits, none that is to be read is made beside it. Where another build is read when it is done \
                 than when it was begun, it waits too, and its `error` says so.",
            )
            .body(Accepts::JSON, "RebuildProjection", exchange::promotes, json!({ "promote": false }))
            .refuses(&[Code::Contention, Code::BuildUnfit])
            .answers::<ViewResource>(StatusCode::ACCEPTED, "It is asked for.", &[], shown.clone()),
        named(on(Method::GET, "/v1/ops/projections/{name}/diff", "diffProjection", "Compare two builds row by row"))
            .about(
                "As of one position; one comparison at a time. Values of rows may be personal, and are for keys with the scope \
                 `analyst` besides.",
            )
            .query("a", json!({ "type": "string" }), "The build that the other is compared with: the one that is read.")
            .query("b", json!({ "type": "string" }), "The other: the newest besides.")
            .query("limit", limit(), "The most rows; all are counted.")
            .refuses(&[Code::BuildNotFound, Code::BuildUnfit, Code::Contention])
            .answers::<DiffResource>(StatusCode::OK, "What is not the same.", &[], diff()),
        named(on(Method::POST, "/v1/ops/projections/{name}/promote", "promoteBuild", "Let another build be read"))
            .about("Brought up to date before. Nothing is changed where another build is read than `active_build` says.")
            .body(Accepts::JSON, "PromoteBuild", exchange::promotion, json!({ "build": BUILD, "active_build": OLDER }))
            .refuses(&not_exchanged())
            .answers::<ViewResource>(StatusCode::OK, "It is read.", &[], shown.clone())
            .answers::<ViewResource>(StatusCode::ACCEPTED, "It is being brought up to date.", &[], shown.clone()),
        named(on(Method::POST, "/v1/ops/projections/{name}/rollback", "rollbackBuild", "Let the build before be read"))
            .about("The one that was read before the one that is read now; brought up to date before.")
            .body(Accepts::JSON, "RollbackBuild", exchange::active, json!({ "active_build": BUILD }))
            .refuses(&not_exchanged())
            .answers::<ViewResource>(StatusCode::OK, "It is read.", &[], shown.clone())
            .answers::<ViewResource>(StatusCode::ACCEPTED, "It is being brought up to date.", &[], shown),
    ]
}

fn not_exchanged() -> [Code; 4] {
    [Code::BuildNotFound, Code::OtherActiveBuild, Code::BuildUnfit, Code::Contention]
}

fn limit() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": compare::MAX_LIMIT, "default": compare::DEFAULT_LIMIT })
}

fn projection() -> Value {
    let at = "2026-01-31T08:00:00.000000Z";
    json!({
        "name": "order_list", "version": 3, "active_build": OLDER, "leader": "01960000-0000-7000-8000-000000000006",
        "builds": [{
            "name": OLDER, "version": 3, "state": "active", "settings": {}, "started_after": 0, "position": 4200,
            "lag_events": 0, "rows": 1050, "rows_exact": true, "bytes": 1_048_576, "asked_by": null, "error": null, "created_at": at, "since": at,
        }],
    })
}

fn diff() -> Value {
    let side = |build| json!({ "build": build, "version": 3, "rows": 1050 });
    json!({
        "a": side(OLDER), "b": side(BUILD), "position": 4200, "agree": false, "tables": [], "differences": 1,
        "rows": [{
            "table": "orders", "key": { "id": "01960000-0000-7000-8000-000000000001" },
            "only_in": null, "columns": ["paid"], "a": { "paid": "false" },
            "b": { "paid": "true" },
        }],
    })
}
