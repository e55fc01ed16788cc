//! Proves how an event evolves, on one that the shop does not have: three versions of it, read by one table.

use super::parts::PartError;
use super::{Shape, StoredShape, WireError, schema};
use crate::event::AggregateType;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow;

/// The event of today: whose tea was brewed, how long, and with how much sugar.
#[derive(Debug, PartialEq)]
struct TeaBrewed {
    guest: String,
    seconds: u32,
    sugar_grams: Option<u32>,
}

/// All events of an aggregate of one event.
#[derive(Debug, PartialEq)]
enum TeaEvent {
    TeaBrewed(TeaBrewed),
}

impl From<TeaBrewed> for TeaEvent {
    fn from(event: TeaBrewed) -> Self {
        Self::TeaBrewed(event)
    }
}

/// At first there was one guest and a time in minutes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TeaBrewedV1 {
    minutes: u32,
}

/// Then guests had names.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TeaBrewedV2<'a> {
    #[serde(borrow)]
    guest: Cow<'a, str>,
    minutes: u32,
}

/// Then came sugar, and a better clock.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TeaBrewedV3<'a> {
    #[serde(borrow)]
    guest: Cow<'a, str>,
    seconds: u32,
    #[serde(default)]
    sugar_grams: Option<u32>,
}

impl From<TeaBrewedV1> for TeaBrewedV2<'_> {
    fn from(old: TeaBrewedV1) -> Self {
        Self { guest: "the guest".into(), minutes: old.minutes }
    }
}

impl<'a> From<TeaBrewedV2<'a>> for TeaBrewedV3<'a> {
    fn from(old: TeaBrewedV2<'a>) -> Self {
        Self { guest: old.guest, seconds: old.minutes * 60, sugar_grams: None }
    }
}

impl TryFrom<TeaBrewedV3<'_>> for TeaBrewed {
    type Error = PartError;
    fn try_from(stored: TeaBrewedV3<'_>) -> Result<Self, PartError> {
        Ok(Self { guest: stored.guest.into_owned(), seconds: stored.seconds, sugar_grams: stored.sugar_grams })
    }
}

const SHAPES: &[Shape<TeaEvent>] = &[
    Shape::of("TeaBrewed", "1", schema::of::<TeaBrewedV1>, |stored| {
        stored.read(|v1: TeaBrewedV1| TeaBrewed::try_from(TeaBrewedV3::from(TeaBrewedV2::from(v1))))
    }),
    Shape::of("TeaBrewed", "2", schema::of::<TeaBrewedV2<'_>>, |stored| {
        stored.read(|v2: TeaBrewedV2<'_>| TeaBrewed::try_from(TeaBrewedV3::from(v2)))
    }),
    Shape::of("TeaBrewed", "3", schema::of::<TeaBrewedV3<'_>>, |stored| {
        stored.read(|v3: TeaBrewedV3<'_>| TeaBrewed::try_from(v3))
    }),
];

fn decode(event_version: &str, payload: &str) -> Result<TeaEvent, WireError> {
    let stored = StoredShape { event_type: "TeaBrewed", event_version, payload };
    Shape::decode(SHAPES, AggregateType::Product, &stored)
}

#[test]
fn every_version_becomes_the_event_of_today() {
    let stored = [
        ("1", r#"{"TeaBrewed":{"minutes":3}}"#, ("the guest", 180, None)),
        ("2", r#"{"TeaBrewed":{"guest":"Ada","minutes":4}}"#, ("Ada", 240, None)),
        ("3", r#"{"TeaBrewed":{"guest":"Ada","seconds":200,"sugar_grams":5}}"#, ("Ada", 200, Some(5))),
    ];
    for (version, payload, (guest, seconds, sugar_grams)) in stored {
        let event = TeaBrewed { guest: guest.to_owned(), seconds, sugar_grams };
        assert_eq!(decode(version, payload).unwrap(), TeaEvent::TeaBrewed(event), "version {version}");
    }
}

#[test]
fn a_version_is_described_as_it_is_written() {
    let of =
        |version: usize| schema::tagged("TeaBrewed", SHAPES[version - 1].event_version, SHAPES[version - 1].describe);
    assert_eq!(of(1)["definitions"]["TeaBrewedV1"]["required"], serde_json::json!(["minutes"]));
    let third = of(3);
    assert_eq!(third["properties"]["TeaBrewed"]["$ref"], "#/definitions/TeaBrewedV3");
    let tea = &third["definitions"]["TeaBrewedV3"];
    assert_eq!(tea["additionalProperties"], false);
    assert_eq!(tea["properties"]["guest"], serde_json::json!({ "type": "string" }));
    assert!([of(1), of(2), third.clone()].windows(2).all(|pair| pair[0] != pair[1]), "another shape, another schema");
}

#[test]
fn a_version_is_read_as_itself_alone() {
    let error = decode("1", r#"{"TeaBrewed":{"guest":"Ada","minutes":4}}"#).unwrap_err();
    assert!(matches!(error, WireError::Malformed { .. }), "{error}");
    let error = decode("4", r#"{"TeaBrewed":{"minutes":4}}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown version `4` of the event type `TeaBrewed`: a newer program wrote it; upgrade this one"
    );
}
