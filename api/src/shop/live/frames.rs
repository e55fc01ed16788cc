//! What is said on a socket, as JSON in text frames.
//!
//! All that tells of the order carries `at`, which the browser sends back as `?after=` when it comes again, and
//! `position`, the log's position up to which the order was told.

use super::cursor::Cursor;
use super::news::{Change, News};
use super::now::Now;
use super::shown::Shown;
use chrono::{DateTime, Utc};
use commands::messages::Message;
use domain::Position;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// What a browser is told.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Frame<'n> {
    /// How everything is: the first, where the browser does not go on from somewhere.
    State {
        #[schemars(with = "String")]
        at: Cursor,
        #[schemars(with = "u64")]
        position: Position,
        paid: bool,
        needs_review: bool,
        #[schemars(extend("enum" = ["awaited", "sent", "troubled"]))]
        mail: &'static str,
        messages: Vec<Written<'n>>,
    },
    /// A step was made: `paid`.
    Step {
        #[schemars(with = "String")]
        at: Cursor,
        #[schemars(with = "u64")]
        position: Position,
        step: &'static str,
    },
    /// Somebody has to look at a payment.
    NeedsReview {
        #[schemars(with = "String")]
        at: Cursor,
        #[schemars(with = "u64")]
        position: Position,
    },
    /// What became of the confirmation: `awaited`, `sent` or `troubled`.
    Mail {
        #[schemars(with = "String")]
        at: Cursor,
        #[schemars(with = "u64")]
        position: Position,
        #[schemars(extend("enum" = ["awaited", "sent", "troubled"]))]
        mail: &'static str,
    },
    /// Somebody wrote about the order.
    Message {
        #[schemars(with = "String")]
        at: Cursor,
        #[schemars(with = "u64")]
        position: Position,
        message: Written<'n>,
    },
    /// What the browser wrote is kept. It is told as a message too, in each tab.
    Accepted { key: Uuid, id: i64 },
    /// It is not kept, and why.
    Refused { key: Uuid, why: &'static str },
}

/// A message. Its text is text: to be shown as such, never as markup.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Written<'n> {
    id: i64,
    #[schemars(extend("enum" = ["customer", "staff"]))]
    from: &'static str,
    text: &'n str,
    #[schemars(with = "String", extend("format" = "date-time"))]
    sent_at: DateTime<Utc>,
}

impl<'n> From<&'n Message> for Written<'n> {
    fn from(message: &'n Message) -> Self {
        Self { id: message.id, from: message.side.as_str(), text: &message.body, sent_at: message.sent_at }
    }
}

impl<'n> Frame<'n> {
    /// All at once.
    pub(super) fn state(now: &'n Now, shown: &Shown) -> Self {
        let at = shown.cursor();
        Self::State {
            at,
            position: at.position,
            paid: shown.paid,
            needs_review: shown.needs_review,
            mail: shown.mail.as_str(),
            messages: now.messages.iter().map(Written::from).collect(),
        }
    }

    /// Of news that was taken in; `None` for what is not shown.
    pub(super) fn of(news: &'n News, shown: &Shown) -> Option<Self> {
        let at = shown.cursor();
        let position = at.position;
        match news {
            News::Event(_, happened) => match happened.change {
                Change::Paid => Some(Self::Step { at, position, step: "paid" }),
                Change::NeedsReview => Some(Self::NeedsReview { at, position }),
                Change::Placed | Change::Other => None,
            },
            News::Mail(_, mail) => Some(Self::Mail { at, position, mail: mail.as_str() }),
            News::Message(message) => Some(Self::Message { at, position, message: Written::from(message) }),
        }
    }
}

/// What a browser asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Asked {
    /// That a message to staff is kept: once for each key.
    Message {
        /// Made by the browser for this message; it sends the same again where it got no answer.
        key: Uuid,
        /// What it says.
        text: String,
    },
}

/// What is said on a socket, described: each frame by the name of its `type` with its JSON Schema (draft 7), whose
/// references lead to `definitions` as if these stood under `/components/schemas`.
pub(crate) struct Frames {
    /// What a browser is told.
    pub(crate) told: Vec<(String, Value)>,
    /// What it asks for.
    pub(crate) asked: Vec<(String, Value)>,
    /// What several frames have in common.
    pub(crate) definitions: Map<String, Value>,
}

impl Frames {
    /// Of all frames that there are.
    pub(crate) fn described() -> Self {
        let mut settings = SchemaSettings::draft07().for_serialize();
        settings.definitions_path = "/components/schemas".into();
        settings.inline_subschemas = false;
        let mut generator = settings.into_generator();
        let (told, asked) = (forms::<Frame<'_>>(&mut generator), forms::<Asked>(&mut generator));
        Self { told, asked, definitions: generator.take_definitions(true) }
    }
}

/// The forms of a frame, each by its `type`.
fn forms<F: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<(String, Value)> {
    let schema = F::json_schema(generator);
    let forms = schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |form: &Value| form["properties"]["type"]["const"].as_str().unwrap_or_default().to_owned();
    forms.into_iter().map(|form| (name(&form), form)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::news::{Happened, Mail};
    use super::*;
    use domain::ids::OrderId;
    use serde_json::{Value, json};

    fn asked(text: &str) -> Option<(Uuid, String)> {
        serde_json::from_str(text).ok().map(|Asked::Message { key, text }| (key, text))
    }

    #[test]
    fn a_browser_asks_for_what_our_pages_ask_for() {
        let key = Uuid::from_u128(7);
        let good = json!({ "type": "message", "key": key, "text": "Hello" });
        assert_eq!(asked(&good.to_string()), Some((key, "Hello".to_owned())));
        for wrong in [
            json!({ "type": "message", "key": key }),
            json!({ "type": "message", "key": "7", "text": "Hello" }),
            json!({ "type": "message", "key": key, "text": "Hello", "from": "staff" }),
            json!({ "type": "close" }),
            json!([]),
        ] {
            assert_eq!(asked(&wrong.to_string()), None, "{wrong}");
        }
    }

    #[test]
    fn every_frame_is_described_by_its_type() {
        let frames = Frames::described();
        let names = |forms: &[(String, Value)]| forms.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let told = ["state", "step", "needs_review", "mail", "message", "accepted", "refused"];
        assert_eq!(
            (names(&frames.told), names(&frames.asked)),
            (told.map(str::to_owned).to_vec(), vec!["message".to_owned()])
        );
        assert_eq!(frames.told[4].1["properties"]["message"]["$ref"], "#/components/schemas/Written");
        assert!(frames.definitions.contains_key("Written"));
    }

    #[test]
    fn news_carries_where_the_browser_goes_on() {
        let cursor: Cursor = "30.4.awaited".parse().unwrap();
        let order = OrderId(Uuid::from_u128(1));
        let mut shown = Shown::beginning(cursor);
        let happened = Happened { sequence: 9, position: Position(31), change: Change::Paid };
        let paid = News::Event(order, happened);
        assert!(shown.take(&paid));
        let told = |news: &News, shown: &Shown| Frame::of(news, shown).map(|frame| json!(frame));
        let expected = json!({ "type": "step", "at": "31.4.awaited", "position": 31, "step": "paid" });
        assert_eq!(told(&paid, &shown), Some(expected));
        let sent = News::Mail(order, Mail::Sent);
        assert!(shown.take(&sent));
        assert_eq!(told(&sent, &shown).unwrap()["at"], Value::from("31.4.sent"));
        let other = News::Event(order, Happened { sequence: 10, position: Position(32), change: Change::Other });
        assert!(shown.take(&other));
        assert_eq!(told(&other, &shown), None, "nothing of it is shown");
    }
}
