//! A command on its way in: the request, received and told apart, and what becomes of it at the gateway.

use crate::app::App;
use crate::auth::{Allowed, VerifiedKey};
use crate::failpoints;
use crate::http::body::{self, Accepts, Bounds};
use crate::http::conditions::{IfMatch, etag};
use crate::http::query::Query;
use crate::http::{Place, RequestId, context, idempotency, timing};
use crate::problem::rejection::{self, Refuses};
use crate::problem::{self, Code, Problem, within};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use commands::{Admission, Answer, AnswerFn, Context, Done, IdempotencyKey, Snapshot, Submission};
use domain::Position;
use http::{HeaderName, HeaderValue, StatusCode, header, request};
use std::sync::Arc;

/// The position that an answer is of. Opaque to clients.
pub(super) const ORDERS_POSITION: HeaderName = HeaderName::from_static("orders-position");
/// On an answer that was given before.
pub(super) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An aggregate as a resource. Commands and reads answer with the same JSON.
pub(crate) trait Resource: Refuses {
    /// The whole resource as JSON; `None` where nothing stands under the id.
    fn json(snapshot: &Snapshot<Self>) -> Option<String>;
    /// Its path.
    fn path(id: &str) -> String;
}

/// A command's request, received whole.
pub(super) struct Incoming {
    head: request::Parts,
    key: Arc<VerifiedKey>,
    request_id: RequestId,
    /// In which language what follows from it is written, if not in the one that it asks for.
    locale: Option<String>,
    /// Its body.
    pub(super) body: Bytes,
}

/// What is asked of one aggregate.
pub(super) struct Ask<A: Resource> {
    /// Its id.
    pub(super) id: String,
    /// What is asked.
    pub(super) command: A::Command,
    /// Whether the command makes the resource: then it has no version yet, and the answer says where it is.
    pub(super) creates: bool,
    /// Whether the id was made for this command, so that nothing need be looked up.
    pub(super) fresh_id: bool,
    /// Where the body's items are, for a refusal that points at them; see [`Refuses::refusal`].
    pub(super) items_at: Option<&'static str>,
}

impl Incoming {
    /// Receives a request with a body.
    pub(super) async fn receive<P>(
        allowed: Allowed<P>,
        request_id: RequestId,
        request: Request,
        accepts: Accepts,
    ) -> Result<Self, Problem> {
        Self::receive_within(allowed, request_id, request, accepts, Bounds::TEXT).await
    }

    /// The same with a body within bounds of its own.
    pub(super) async fn receive_within<P>(
        allowed: Allowed<P>,
        request_id: RequestId,
        request: Request,
        accepts: Accepts,
        bounds: Bounds,
    ) -> Result<Self, Problem> {
        let (head, body) = Self::without_query(request)?;
        let body = body::receive_within(&head, body, accepts, bounds).await?;
        Ok(Self { head, key: allowed.key, request_id, locale: None, body })
    }

    /// Receives a request whose path says all.
    pub(super) async fn receive_nothing<P>(
        allowed: Allowed<P>,
        request_id: RequestId,
        request: Request,
    ) -> Result<Self, Problem> {
        let (head, body) = Self::without_query(request)?;
        let body = body::receive_nothing(&head, body).await?;
        Ok(Self { head, key: allowed.key, request_id, locale: None, body })
    }

    /// The same, for somebody who reads another language than whoever asks.
    pub(super) fn in_language(self, locale: Option<String>) -> Self {
        Self { locale, ..self }
    }

    /// No command has query parameters: one that is sent would be left unheeded, so it is refused.
    fn without_query(request: Request) -> Result<(request::Parts, Body), Problem> {
        let (head, body) = request.into_parts();
        Query::new(head.uri.query()).finish()?;
        Ok((head, body))
    }

    /// What `If-Match` asks for.
    pub(super) fn if_match(&self) -> Result<IfMatch, Problem> {
        IfMatch::of(&self.head.headers)
    }

    /// Refuses a change that does not say which version it is of.
    pub(super) fn require_version(&self) -> Result<(), Problem> {
        if self.if_match()? != IfMatch::Absent {
            return Ok(());
        }
        let detail = "Send the ETag that the change is of as If-Match, or * for whatever it is now.";
        let problem = Problem::new(Code::VersionRequired, detail);
        Err(problem.error(problem::Place::Header("If-Match"), "missing", "is required"))
    }

    /// The request's idempotency key.
    pub(super) fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Problem> {
        let request::Parts { headers, method, uri, .. } = &self.head;
        idempotency::key(headers, &self.key, method, uri.path(), &self.body)
    }

    /// Has the command carried out, and answers with the whole resource.
    pub(super) async fn submit<A: Resource>(self, app: &App, ask: Ask<A>) -> Result<Response, Problem> {
        Ok(self.submit_at(app, ask).await?.0)
    }

    /// The same, and where in the log what it led to stands.
    pub(super) async fn submit_at<A: Resource>(self, app: &App, ask: Ask<A>) -> Result<(Response, Position), Problem> {
        let key = self.idempotency_key()?;
        let expected_version =
            if ask.creates { None } else { expected_version::<A>(app, &ask.id, self.if_match()?).await? };
        let context = context::of(&self.key, &self.request_id, &self.head.headers);
        let context = Context { locale: self.locale.or(context.locale), ..context };
        let submission = Submission {
            id: ask.id,
            command: ask.command,
            fresh_id: ask.fresh_id,
            expected_version,
            context,
            key,
            answer: answer_with::<A>(ask.creates),
            admission: self.head.extensions.get::<Place>().cloned().map(|place| Arc::new(place) as Admission),
        };
        let outcome = app.gateway.submit(submission).await;
        fail::fail_point!("reply.before");
        failpoints::after_reply();
        match outcome {
            Ok(done) => {
                let position = done.position;
                Ok((respond(done), position))
            }
            Err(error) => Err(rejection::problem(&error, ask.items_at)),
        }
    }
}

/// The one version that the command may meet.
async fn expected_version<A: Resource>(app: &App, id: &str, condition: IfMatch) -> Result<Option<u64>, Problem> {
    match condition {
        // That there is nothing under the id is told by the command itself.
        IfMatch::Absent | IfMatch::Anything => Ok(None),
        IfMatch::Versions(versions) => match versions[..] {
            // No tag that could match: nothing that exists has version 0.
            [] => Ok(Some(0)),
            [version] => Ok(Some(version)),
            [first, ..] => {
                let current = within(app.gateway.load::<A>(id)).await?.version;
                Ok(Some(if versions.contains(&current) { current } else { first }))
            }
        },
    }
}

fn answer_with<A: Resource>(creates: bool) -> AnswerFn<A> {
    Arc::new(move |snapshot| Answer {
        status: if creates { StatusCode::CREATED } else { StatusCode::OK }.as_u16(),
        location: creates.then(|| A::path(&snapshot.id)),
        etag: etag(snapshot.version).to_str().ok().map(str::to_owned),
        body: A::json(snapshot).unwrap_or_default(),
    })
}

fn respond(done: Done) -> Response {
    let Done { answer, position, replayed, timing } = done;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    for (name, value) in [(header::LOCATION, answer.location), (header::ETAG, answer.etag)] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert(ORDERS_POSITION, position.0.into());
    headers.insert(timing::SERVER_TIMING, timing::of_command(timing));
    if replayed {
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
