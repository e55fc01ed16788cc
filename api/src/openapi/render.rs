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
        let parts: Vec<String> =
            [Some(self.description.to_owned()).filter(|text| !text.is_empty()), scopes].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("\n\n"))
    }
}

fn render_body(body: &Body, bodies: &mut Map<String, Value>) -> Value {
    bodies.insert(body.name.to_owned(), body.schema.clone());
    let schema = json!({ "$ref": format!("#/components/schemas/{}", body.name) });
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
    if let Some((media_type, describe, example)) = &success.content {
        let schema = describe(schemas).to_value();
        answer["content"] = json!({ *media_type: { "schema": schema, "example": example } });
    }
    answer
}
