//! An operation as it stands in the document.

use super::operation::{Body, Operation, Success};
use super::{headers, problems};
use schemars::generate::SchemaGenerator;
use serde_json::{Map, Value, json};

impl Operation {
    /// The operation; the schema of its body goes among `bodies`, those of its answers among `schemas`.
    pub(super) fn render(&self, schemas: &mut SchemaGenerator, bodies: &mut Map<String, Value>) -> Value {
        let mut operation = json!({
            "tags": [self.tag.name()],
            "operationId": self.id,
            "summary": self.summary,
        });
        if let Some(description) = self.full_description() {
            operation["description"] = description.into();
        }
        operation["parameters"] = self.all_parameters().into();
        if let Some(body) = &self.body {
            operation["requestBody"] = render_body(body, bodies);
        }
        let mut answers: Map<String, Value> = Map::new();
        for success in &self.successes {
            answers.insert(success.status.as_str().to_owned(), render_success(success, schemas));
        }
        answers.extend(problems::answers(&self.codes));
        operation["responses"] = answers.into();
        // Scopes of a bearer key are named in the words: OpenAPI checks them for OAuth alone.
        operation["security"] = match self.scopes {
            Some(scopes) => json!([{ "apiKey": scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>() }]),
            None => json!([]),
        };
        operation
    }

    fn full_description(&self) -> Option<String> {
        let scopes = self.scopes.map(|scopes| {
            let names: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
            format!("Needs a key with the scope {}.", names.join(" or "))
        });
        let description = Some(self.description.to_owned()).filter(|text| !text.is_empty());
        let parts: Vec<String> = [description, scopes, self.of_members()].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("\n\n"))
    }

    /// What a key needs that is bound to a member, where that is something else.
    fn of_members(&self) -> Option<String> {
        let scopes = self.scopes.filter(|scopes| *scopes != self.of_members)?;
        match self.of_members {
            [] => Some("A key that is bound to a member is refused.".to_owned()).filter(|_| !scopes.is_empty()),
            needed => {
                let names: Vec<String> = needed.iter().map(|scope| format!("`{scope}`")).collect();
                Some(format!("One that is bound to a member needs {}, and reaches what is theirs.", names.join(" or ")))
            }
        }
    }
}

fn render_body(body: &Body, bodies: &mut Map<String, Value>) -> Value {
    let schema = if body.is_file {
        body.schema.clone()
    } else {
        bodies.insert(body.name.to_owned(), body.schema.clone());
        json!({ "$ref": format!("#/components/schemas/{}", body.name) })
    };
    let mut media = json!({ "schema": schema });
    if let Some(example) = &body.example {
        media["example"] = example.clone();
    }
    let media_types = body.accepts.media_types().iter();
    let content: Map<String, Value> = media_types.map(|name| ((*name).to_owned(), media.clone())).collect();
    json!({ "required": body.required, "content": content })
}

fn render_success(success: &Success, schemas: &mut SchemaGenerator) -> Value {
    let on_it: Map<String, Value> =
        success.headers.iter().copied().chain(headers::ALWAYS).map(headers::shared).collect();
    let mut answer = json!({ "description": success.description, "headers": on_it });
    if !success.content.is_empty() {
        let media = success.content.iter().map(|(media_type, describe, example)| {
            let schema = describe(schemas).to_value();
            ((*media_type).to_owned(), json!({ "schema": schema, "example": example }))
        });
        answer["content"] = media.collect::<Map<String, Value>>().into();
    }
    answer
}
