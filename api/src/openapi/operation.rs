//! One operation, as it is described beside its handler.

use super::parameters::{self, Parameter};
use crate::auth::{Permission, Scope};
use crate::http::body::{self, Accepts, Fields};
use crate::problem::Code;
use http::{Method, StatusCode};
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// What an operation is about; the chapters of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Orders,
    Carts,
    Products,
    Categories,
    Newsletters,
    Totals,
    Events,
    Operating,
    Payments,
    Open,
}

impl Tag {
    /// In the order in which they are read.
    pub(super) const ALL: [Self; 10] = [
        Self::Orders,
        Self::Carts,
        Self::Products,
        Self::Categories,
        Self::Newsletters,
        Self::Totals,
        Self::Events,
        Self::Operating,
        Self::Payments,
        Self::Open,
    ];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Orders => ("orders", "Placing orders, adding to them, paying for them; lists and search."),
            Self::Carts => ("carts", "Carts of a client's guests, by the id that each is known by."),
            Self::Products => ("products", "The catalogue."),
            Self::Categories => ("categories", "What products stand under."),
            Self::Newsletters => ("newsletters", "Issues of the newsletter: written, rewritten, released."),
            Self::Totals => ("totals", "How many, and how much."),
            Self::Events => ("events", "The history."),
            Self::Operating => ("operating", "What whoever runs the system looks at."),
            Self::Payments => ("payments", "What payment providers tell."),
            Self::Open => ("open", "What answers without an API key."),
        }
    }

    pub(super) fn render(self) -> Value {
        let (name, description) = self.words();
        json!({ "name": name, "description": description })
    }

    pub(super) const fn name(self) -> &'static str {
        self.words().0
    }
}

pub(super) fn security_scheme() -> Value {
    let scopes = Scope::ALL.map(|scope| format!("`{scope}`")).join(", ");
    json!({
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "orders_<prefix>_<secret>",
        "description": format!("An API key, made by `orders keys create`. Each has one or more of the scopes {scopes}."),
    })
}

/// How the schema of an answer is made.
pub(super) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// The body that a request has.
#[derive(Clone)]
pub(super) struct Body {
    pub(super) accepts: Accepts,
    /// What its schema is called.
    pub(super) name: &'static str,
    pub(super) schema: Value,
    /// `None` where the reader refuses it, which a test finds.
    pub(super) example: Option<Value>,
    pub(super) required: bool,
    /// Bytes of a file, of which there is no example.
    pub(super) is_file: bool,
}

/// What is answered when all goes well.
#[derive(Clone)]
pub(super) struct Success {
    pub(super) status: StatusCode,
    pub(super) description: &'static str,
    /// In each media type that there is.
    pub(super) content: Vec<(&'static str, Describe, Value)>,
    pub(super) headers: Vec<&'static str>,
}

/// One operation: built up from what it has in common with others. Whatever brings refusals along names their codes.
#[derive(Clone)]
pub(crate) struct Operation {
    method: Method,
    path: &'static str,
    pub(super) tag: Tag,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) scopes: Option<&'static [Scope]>,
    /// Those that a key needs which is bound to a member; none where it is refused.
    pub(super) of_members: &'static [Scope],
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) successes: Vec<Success>,
    pub(super) codes: Vec<Code>,
}

impl Operation {
    /// An operation that takes no query, and answers JSON or problems.
    pub(crate) fn new(method: Method, path: &'static str, tag: Tag, id: &'static str, summary: &'static str) -> Self {
        let (scopes, of_members, body, description) = (None, &[], None, "");
        let (parameters, successes, codes) = (Vec::new(), Vec::new(), vec![Code::Internal]);
        Self { method, path, tag, id, summary, description, scopes, of_members, parameters, body, successes, codes }
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn path(&self) -> String {
        self.path.to_owned()
    }

    /// More than the summary says, in Markdown.
    pub(crate) fn about(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// It may be refused with these codes.
    pub(crate) fn refuses(mut self, codes: &[Code]) -> Self {
        self.codes.extend_from_slice(codes);
        self
    }

    /// It counts among the requests that are worked on at once.
    pub(crate) fn admitted(self) -> Self {
        self.refuses(&[Code::Overloaded, Code::NotAcceptable])
    }

    /// It needs a key with any of the permission's scopes. All of these refuse what is not known in the query.
    pub(crate) fn allowed<P: Permission>(mut self) -> Self {
        (self.scopes, self.of_members) = (Some(P::SCOPES), P::OF_MEMBERS);
        self.admitted().refuses(&[
            Code::Unauthenticated,
            Code::Forbidden,
            Code::RateLimited,
            Code::Unavailable,
            Code::InvalidQuery,
        ])
    }

    fn with(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// What the path names. What is not fit for a path, such as a dot, leads to no resource at all.
    pub(crate) fn at(self, name: &'static str, schema: Value, example: &str) -> Self {
        self.with(Parameter::in_path(name, schema, example)).refuses(&[Code::NotFound])
    }

    /// A query parameter that may be left out.
    pub(crate) fn query(self, name: &'static str, schema: Value, description: &'static str) -> Self {
        self.with(Parameter::in_query(name, false, schema, description))
    }

    /// A query parameter that must be there.
    pub(crate) fn required_query(self, name: &'static str, schema: Value, description: &'static str) -> Self {
        self.with(Parameter::in_query(name, true, schema, description))
    }

    /// A header of the request that is of this operation alone.
    pub(crate) fn own_header(self, name: &'static str, schema: Value, description: &'static str) -> Self {
        self.with(Parameter::in_header(name, schema, description)).refuses(&[Code::InvalidHeader])
    }

    /// The cart's header.
    pub(crate) fn cart(self, required: bool) -> Self {
        let name = if required { "Orders-Cart" } else { "Orders-Cart-Optional" };
        self.with(Parameter::Shared(name)).refuses(&[Code::CartNotFound, Code::InvalidHeader])
    }

    /// A list in pages.
    pub(crate) fn in_pages(self) -> Self {
        self.with(Parameter::Shared("limit"))
            .with(Parameter::Shared("cursor"))
            .refuses(&[Code::InvalidQuery, Code::InvalidCursor])
    }

    /// A read of the log itself, which has every position that was given out.
    pub(crate) fn of_position(self) -> Self {
        self.with(Parameter::Shared("Orders-Min-Position")).refuses(&[Code::InvalidHeader, Code::PositionBeyondHead])
    }

    /// A read of a view, which waits for a position.
    pub(crate) fn waits(self) -> Self {
        self.of_position().with(Parameter::Shared("Prefer")).refuses(&[Code::ProjectionBehind])
    }

    /// A read of one resource from the log: its answer has a version, which the client may have already.
    pub(crate) fn versioned(self) -> Self {
        self.of_position().with(Parameter::Shared("If-None-Match")).refuses(&[Code::NewerEvent])
    }

    /// A command on a resource: carried out once for each key, and only on the version that it names.
    pub(crate) fn command(self) -> Self {
        self.with(Parameter::Shared("Idempotency-Key")).refuses(&[
            Code::InvalidHeader,
            Code::IdempotencyKeyReused,
            Code::RequestInFlight,
            Code::Contention,
            Code::OutcomeUnknown,
            Code::NewerEvent,
            Code::NotStorable,
            Code::RequestTimeout,
            Code::IncompleteBody,
            Code::BodyTooLarge,
            Code::MalformedJson,
            Code::UnsupportedMediaType,
            Code::InvalidBody,
        ])
    }

    /// A change that is carried out once for each key.
    pub(crate) fn keyed(self) -> Self {
        self.with(Parameter::Shared("Idempotency-Key")).refuses(&[Code::InvalidHeader, Code::IdempotencyKeyReused])
    }

    /// A change of what is there already, which may name the version that it is of.
    pub(crate) fn of_version(self) -> Self {
        self.with(Parameter::Shared("If-Match")).refuses(&[Code::VersionMismatch])
    }

    /// A change that must name the version that it is of.
    pub(crate) fn of_version_required(self) -> Self {
        self.with(Parameter::Shared("If-Match-Required")).refuses(&[Code::VersionMismatch, Code::VersionRequired])
    }

    /// It must not be carried out twice, so it needs a key.
    pub(crate) fn key_required(mut self) -> Self {
        self.parameters.retain(|parameter| *parameter != Parameter::Shared("Idempotency-Key"));
        self.with(Parameter::Shared("Idempotency-Key-Required")).refuses(&[Code::IdempotencyKeyRequired])
    }

    /// The body, as `read` reads it; its schema gets a name of its own.
    pub(crate) fn body<T>(
        mut self,
        accepts: Accepts,
        name: &'static str,
        read: impl Fn(&mut Fields<'_, '_>) -> Option<T>,
        example: Value,
    ) -> Self {
        let is_taken = body::read(example.to_string().as_bytes(), &read).is_ok();
        let (schema, example) = (body::schema_of(&read), Some(example).filter(|_| is_taken));
        self.body = Some(Body { accepts, name, schema, example, required: true, is_file: false });
        self.refuses(&[
            Code::MalformedJson,
            Code::IncompleteBody,
            Code::RequestTimeout,
            Code::BodyTooLarge,
            Code::UnsupportedMediaType,
            Code::InvalidBody,
        ])
    }

    /// It needs no body, but takes an empty object.
    pub(crate) fn empty_body(mut self) -> Self {
        let (schema, example) = (body::schema_of(|_| Some(())), Some(json!({})));
        self.body =
            Some(Body { accepts: Accepts::JSON, name: "Nothing", schema, example, required: false, is_file: false });
        self
    }

    /// The body is a file.
    pub(crate) fn file(mut self, accepts: Accepts) -> Self {
        let schema = json!({ "type": "string", "format": "binary" });
        self.body = Some(Body { accepts, name: "File", schema, example: None, required: true, is_file: true });
        self.refuses(&[Code::IncompleteBody, Code::RequestTimeout, Code::BodyTooLarge, Code::UnsupportedMediaType])
    }

    /// Answers with `T`, of which `example` is one.
    pub(crate) fn answers<T: JsonSchema>(
        self,
        status: StatusCode,
        description: &'static str,
        headers: &[&'static str],
        example: Value,
    ) -> Self {
        self.answers_in::<T>("application/json", status, description, headers, example)
    }

    /// Answers in a media type of its own.
    pub(crate) fn answers_in<T: JsonSchema>(
        mut self,
        media_type: &'static str,
        status: StatusCode,
        description: &'static str,
        headers: &[&'static str],
        example: Value,
    ) -> Self {
        let content = vec![(media_type, (|schemas| schemas.subschema_for::<T>()) as Describe, example)];
        self.successes.push(Success { status, description, content, headers: headers.to_vec() });
        self
    }

    /// The answer before may come in this media type too, if the client asks for it.
    pub(crate) fn or_in<T: JsonSchema>(mut self, media_type: &'static str, example: Value) -> Self {
        if let Some(success) = self.successes.last_mut() {
            success.content.push((media_type, (|schemas| schemas.subschema_for::<T>()) as Describe, example));
        }
        self
    }

    /// Answers without a body.
    pub(crate) fn answers_nothing(
        mut self,
        status: StatusCode,
        description: &'static str,
        headers: &[&'static str],
    ) -> Self {
        self.successes.push(Success { status, description, content: Vec::new(), headers: headers.to_vec() });
        self
    }

    /// The parameters with those that every operation has.
    pub(super) fn all_parameters(&self) -> Vec<Value> {
        self.parameters.iter().map(Parameter::render).chain([parameters::shared("Request-Id")]).collect()
    }
}
