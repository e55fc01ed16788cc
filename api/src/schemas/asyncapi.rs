//! What is published, as AsyncAPI 3: the topics of Kafka with the events in them, and the WebSocket of an order.
//!
//! No library of Rust's writes AsyncAPI 3 from topics that are known as ours are; what is there is small enough to be
//! written out. A test holds it against the specification's own schema.

use super::path_of;
use crate::shop::Frames;
use consumers::cloud_event::{self, HeaderField};
use consumers::parked::letters;
use consumers::topics::Topics;
use domain::AggregateType;
use domain::wire::{self, EventSchema};
use serde_json::{Map, Value, json};

const SOCKET: &str = "order.live";
const DEAD_LETTER: &str = "DeadLetter";

pub(super) fn document(schemas: &[EventSchema], topics: &Topics) -> Value {
    let frames = Frames::described();
    let mut channels = Map::new();
    let mut operations = Map::new();
    for kind in AggregateType::ALL {
        let topic = topics.of(kind).to_owned();
        let operation = json!({
            "action": "send",
            "summary": format!("Publishes every event of the kind `{kind}`, once and in the order of its aggregate."),
            "channel": reference("channels", &topic),
        });
        operations.insert(format!("publish-{topic}"), operation);
        channels.insert(topic.clone(), topic_channel(kind, &topic, schemas));
    }
    channels.insert(topics.dead_letters.clone(), dead_letters_channel(&topics.dead_letters));
    operations.insert(
        format!("publish-{}", topics.dead_letters),
        json!({
            "action": "send",
            "summary": "Publishes what a consumer parked, besides keeping it in the ledger.",
            "channel": reference("channels", &topics.dead_letters),
        }),
    );
    let told = frames.told.iter().map(|(name, _)| told_name(name)).collect::<Vec<_>>();
    let asked = frames.asked.iter().map(|(name, _)| asked_name(name)).collect::<Vec<_>>();
    channels.insert(SOCKET.to_owned(), socket_channel(&told, &asked));
    operations
        .insert("tell".to_owned(), socket_operation("send", "Tells how the order is, and what happens to it.", &told));
    operations.insert("ask".to_owned(), socket_operation("receive", "Takes what the customer asks for.", &asked));

    let mut messages: Map<String, Value> = schemas.iter().map(event_message).collect();
    messages.insert(DEAD_LETTER.to_owned(), dead_letter());
    messages.extend(frames.told.into_iter().map(|(name, shape)| (told_name(&name), frame_message(&name, shape))));
    messages.extend(frames.asked.into_iter().map(|(name, shape)| (asked_name(&name), frame_message(&name, shape))));
    let mut shapes = frames.definitions;
    shapes.insert("EventHeaders".to_owned(), headers(&cloud_event::HEADERS));
    shapes.insert("DeadLetterHeaders".to_owned(), headers(&letters::HEADERS));
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "orders",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every event of the log, as Kafka has it, and the live status of an order by WebSocket.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": servers(),
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "messageTraits": { "event": event_trait() },
            "schemas": shapes,
        },
    })
}

fn servers() -> Value {
    json!({
        "kafka": {
            "host": "{brokers}",
            "protocol": "kafka",
            "description": "What ORDERS_KAFKA_BROKERS names, or the broker inside `orders serve`.",
            "variables": { "brokers": { "default": "localhost:9092" } },
        },
        "shop": {
            "host": "{shop}",
            "protocol": "wss",
            "description": "The shop itself, where its pages are.",
            "variables": { "shop": { "default": "localhost:8080" } },
        },
    })
}

fn topic_channel(kind: AggregateType, topic: &str, schemas: &[EventSchema]) -> Value {
    let of_kind = schemas.iter().filter(|schema| schema.aggregate_type == kind);
    let messages: Map<String, Value> =
        of_kind.map(event_name).map(|name| (name.clone(), reference("components/messages", &name))).collect();
    json!({
        "address": topic,
        "title": format!("Events of the kind `{kind}`"),
        "description": "ORDERS_KAFKA_PREFIX goes before the topic's name, where it is set. All events of an aggregate are in one \
                        partition, in order. Read with isolation.level=read_committed. A type's older versions stay in the topic: \
                        a reader of the whole history meets them all.",
        "servers": [{ "$ref": "#/servers/kafka" }],
        "messages": messages,
        "bindings": { "kafka": { "topic": topic, "bindingVersion": "0.5.0" } },
    })
}

fn event_name(schema: &EventSchema) -> String {
    format!("{}.{}", schema.event_type, schema.event_version)
}

fn event_message(schema: &EventSchema) -> (String, Value) {
    let EventSchema { event_type, event_version, .. } = schema;
    let today =
        if wire::is_current(event_type, event_version) { "Written today." } else { "Written by older programs." };
    let message = json!({
        "name": event_type,
        "title": format!("{event_type}, version {event_version}"),
        "summary": today,
        "traits": [{ "$ref": "#/components/messageTraits/event" }],
        "headers": {
            "allOf": [
                { "$ref": "#/components/schemas/EventHeaders" },
                { "properties": {
                    (cloud_event::TYPE): { "const": event_type },
                    (cloud_event::DATA_VERSION): { "const": event_version },
                } },
            ],
        },
        // Relative, so that it leads to the schema from where this document is served and from where it is kept.
        "payload": { "$ref": format!(".{}", path_of(schema)) },
    });
    (event_name(schema), message)
}

/// `CloudEvents` 1.0, Kafka protocol binding, binary content mode.
fn event_trait() -> Value {
    json!({
        "contentType": "application/json",
        "description": "A CloudEvent in binary content mode: its attributes are the record's headers, its data the record's value.",
        "correlationId": { "location": format!("$message.header#/{}", cloud_event::CORRELATION_ID) },
        "bindings": {
            "kafka": {
                "key": { "type": "string", "description": "The id of the aggregate." },
                "bindingVersion": "0.5.0",
            },
        },
    })
}

fn headers(fields: &[HeaderField]) -> Value {
    let member =
        |header: &HeaderField| (header.name.to_owned(), json!({ "type": "string", "description": header.about }));
    let required: Vec<&str> = fields.iter().filter(|header| header.is_always_there).map(|header| header.name).collect();
    json!({
        "type": "object",
        "description": "Each value is UTF-8 text. There may be more headers in time.",
        "properties": fields.iter().map(member).collect::<Map<_, _>>(),
        "required": required,
    })
}

fn dead_letters_channel(topic: &str) -> Value {
    json!({
        "address": topic,
        "title": "What consumers parked",
        "description": "ORDERS_KAFKA_PREFIX goes before the topic's name, where it is set. One partition, kept for a month. The \
                        consumers' ledger is the truth: `orders parked` decides.",
        "servers": [{ "$ref": "#/servers/kafka" }],
        "messages": { (DEAD_LETTER): reference("components/messages", DEAD_LETTER) },
        "bindings": { "kafka": { "topic": topic, "partitions": 1, "bindingVersion": "0.5.0" } },
    })
}

/// Its value is whatever the record had, so no schema is named.
fn dead_letter() -> Value {
    json!({
        "name": DEAD_LETTER,
        "title": "A record that a consumer parked",
        "summary": "Key, value and headers as the record had them, and headers that say why and by whom it was parked.",
        "headers": { "$ref": "#/components/schemas/DeadLetterHeaders" },
    })
}

fn socket_channel(told: &[String], asked: &[String]) -> Value {
    let names = told.iter().chain(asked);
    let messages: Map<String, Value> =
        names.map(|name| (name.clone(), reference("components/messages", name))).collect();
    json!({
        "address": "/orders/{id}/live",
        "title": "The live status of an order",
        "description": "Frames of text, each a JSON object. A program sends an API key that is bound to the member whose order it is, as \
                        `Authorization: Bearer …`; a page the key in its own address, as `key`. Who comes again sends the last `at` as \
                        `after`. The codes 1001, 1012, 1013 and 4000 of a close say that one may come again, 1008, 1009 and 4001 that \
                        one may not.",
        "servers": [{ "$ref": "#/servers/shop" }],
        "parameters": { "id": { "description": "The order's id." } },
        "messages": messages,
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {
                    "type": "object",
                    "properties": {
                        "key": { "type": "string", "description": "The signature in the address of the order's page." },
                        "after": { "type": "string", "description": "The `at` of the last frame that was received." },
                    },
                },
                "bindingVersion": "0.1.0",
            },
        },
    })
}

fn socket_operation(action: &str, summary: &str, names: &[String]) -> Value {
    let messages: Vec<Value> =
        names.iter().map(|name| reference(&format!("channels/{SOCKET}/messages"), name)).collect();
    json!({ "action": action, "summary": summary, "channel": reference("channels", SOCKET), "messages": messages })
}

fn told_name(frame: &str) -> String {
    format!("told.{frame}")
}

fn asked_name(frame: &str) -> String {
    format!("asked.{frame}")
}

fn frame_message(name: &str, shape: Value) -> Value {
    json!({ "name": name, "contentType": "application/json", "payload": shape })
}

fn reference(place: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/{place}/{name}") })
}
