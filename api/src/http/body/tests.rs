use super::*;
use crate::problem::Place;
use axum::body::Body;
use domain::text::{Country, PersonName};
use domain::{Money, Quantity, Sku};
use futures::stream::{self, StreamExt};
use http::Request;
use std::convert::Infallible;

type Faulty = Vec<(String, &'static str)>;

/// The faults of a body, as (pointer, code).
fn faults<T: std::fmt::Debug>(body: &str, reader: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>) -> Faulty {
    let mut faults = Faults::default();
    Fields::read(Path::Root, Json::parse(body.as_bytes()).unwrap(), &mut faults, reader);
    let place = |place| match place {
        Place::Pointer(pointer) => pointer,
        other => panic!("{other:?}"),
    };
    faults.into_parts().0.into_iter().map(|fault| (place(fault.place), fault.code)).collect()
}

fn person(fields: &mut Fields<'_, '_>) -> Option<(PersonName, Option<Country>)> {
    let name = fields.text("name", PersonName::parse);
    let country = fields.optional_text("country", Country::parse);
    Some((name?, country?))
}

fn at(pairs: &[(&str, &'static str)]) -> Faulty {
    pairs.iter().map(|(pointer, code)| ((*pointer).to_owned(), *code)).collect()
}

#[test]
fn all_faults_are_found_at_once_each_with_its_pointer() {
    let found = faults(
        r#"{"people":[{"name":"  ","country":"England"},{"nom":"Ada","a/b~c":1},7],"more":true,"items":{}}"#,
        |fields| {
            let people = fields.list("people", 1..=5, person);
            let items = fields.list("items", 1..=5, |item| item.quantity("quantity"));
            Some((people?, items?))
        },
    );
    assert_eq!(
        found,
        at(&[
            ("/people/0/name", "empty"),
            ("/people/0/country", "invalid_country"),
            ("/people/1/name", "missing"),
            ("/people/1/nom", "unknown_member"),
            ("/people/1/a~1b~0c", "unknown_member"),
            ("/people/2", "wrong_type"),
            ("/items", "wrong_type"),
            ("/more", "unknown_member"),
        ])
    );
}

#[test]
fn a_member_that_stands_twice_is_a_fault() {
    let found = faults(r#"{"name":"Ada","name":"Grace"}"#, person);
    assert_eq!(found, at(&[("/name", "duplicate_member")]));
}

#[test]
fn money_is_read_from_strings_alone() {
    let money = |fields: &mut Fields<'_, '_>| fields.money("price");
    let fault = |body: &str| faults(body, money);
    assert_eq!(fault(r#"{"price":{"amount":12.5,"currency":"USD"}}"#), at(&[("/price/amount", "wrong_type")]));
    assert_eq!(fault(r#"{"price":{"amount":"12.505","currency":"USD"}}"#), at(&[("/price/amount", "too_precise")]));
    assert_eq!(fault(r#"{"price":{"amount":"-1","currency":"USD"}}"#), at(&[("/price/amount", "negative")]));
    assert_eq!(fault(r#"{"price":{"amount":"1","currency":"usd"}}"#), at(&[("/price/currency", "unknown_currency")]));
    assert_eq!(
        fault(r#"{"price":{"sum":"1","currency":"XAU"}}"#),
        at(&[("/price/amount", "missing"), ("/price/currency", "unknown_currency"), ("/price/sum", "unknown_member")])
    );
    assert_eq!(fault(r#"{"price":"12.50 USD"}"#), at(&[("/price", "wrong_type")]));
    let read = read(br#"{"price":{"amount":"12.5","currency":"USD"}}"#, money).unwrap();
    assert_eq!(read, Money::parse("12.50", "USD").unwrap());
}

#[test]
fn quantities_are_whole_and_within_their_range() {
    for (written, fault) in [
        ("0", "out_of_range"),
        ("-1", "out_of_range"),
        ("10000", "out_of_range"),
        ("1.5", "out_of_range"),
        ("1e2", "out_of_range"),
        ("99999999999999999999999", "out_of_range"),
        ("\"2\"", "wrong_type"),
        ("null", "wrong_type"),
    ] {
        let found = faults(&format!(r#"{{"quantity":{written}}}"#), |fields| fields.quantity("quantity"));
        assert_eq!(found, at(&[("/quantity", fault)]), "{written}");
    }
    let most = read(br#"{"quantity":9999}"#, |fields| fields.quantity("quantity")).unwrap();
    assert_eq!(most, Quantity::try_from(9999).unwrap());
}

#[test]
fn control_characters_are_refused_where_they_stand() {
    let found = faults("{\"name\":\"A\\u0000da\"}", person);
    assert_eq!(found, at(&[("/name", "control_character")]));
}

#[test]
fn a_merge_patch_tells_missing_from_null() {
    let patch = |body: &'static str| {
        read(body.as_bytes(), |fields: &mut Fields<'_, '_>| fields.patched_text("name", PersonName::parse)).unwrap()
    };
    assert_eq!(patch("{}"), Patch::Keep);
    assert_eq!(patch(r#"{"name":null}"#), Patch::Remove);
    assert_eq!(patch(r#"{"name":"Ada"}"#), Patch::Set(PersonName::parse("Ada").unwrap()));
}

#[test]
fn what_is_no_json_is_400_and_says_where() {
    for body in ["", "{", "{\"a\":1,}", "{\"a\":\"\u{1}\"}", "[] []", "{\"a\":1e999}", "\u{feff}{}", "\"\\ud800\""] {
        let problem = read(body.as_bytes(), |_| Some(())).unwrap_err();
        assert_eq!(problem.code(), Code::MalformedJson, "{body:?}");
    }
    assert_eq!(read(b"{\"a\":\"\xff\"}", |_| Some(())).unwrap_err().code(), Code::MalformedJson);
    let deep = "[".repeat(10_000);
    assert_eq!(read(deep.as_bytes(), |_| Some(())).unwrap_err().code(), Code::MalformedJson);
}

#[test]
fn a_huge_body_of_unknown_members_lists_only_so_many() {
    let members: Vec<String> = (0..5_000).map(|n| format!("\"m{n}\":1")).collect();
    let body = format!("{{{}}}", members.join(","));
    let problem = format!("{:?}", read(body.as_bytes(), |_| Some(())).unwrap_err());
    assert_eq!(problem.matches("unknown_member").count(), 100);
    for said in ["The first 100 faults", "4900 more are left out", "(\"errors_omitted\", Number(4900))"] {
        assert!(problem.contains(said), "{said} in {problem}");
    }
}

#[test]
fn refused_members_have_their_own_reason() {
    let found = faults(r#"{"sku":"TEA","price":1}"#, |fields| {
        fields.refuse(&["price"], "price_not_accepted", "prices come from the catalogue");
        fields.text("sku", Sku::parse)
    });
    assert_eq!(found, at(&[("/price", "price_not_accepted")]));
}

fn chunks(count: usize, bytes: usize) -> Body {
    Body::from_stream(stream::iter((0..count).map(move |_| Ok::<_, Infallible>(vec![b' '; bytes]))))
}

fn json_head() -> Parts {
    Request::post("/").header(header::CONTENT_TYPE, "application/json").body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together_up_to_its_limit() {
    let received = receive(&json_head(), chunks(1 << 10, 1 << 10), Accepts::JSON).await.unwrap();
    assert_eq!(received.len(), MAX_BYTES);
    let refused = receive(&json_head(), chunks((1 << 10) + 1, 1 << 10), Accepts::JSON).await.unwrap_err();
    assert_eq!(refused.code(), Code::BodyTooLarge);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_end_is_408() {
    let stalled = stream::iter([Ok::<_, Infallible>(vec![b'{'])]).chain(stream::pending());
    let refused = receive(&json_head(), Body::from_stream(stalled), Accepts::JSON).await.unwrap_err();
    assert_eq!(refused.code(), Code::RequestTimeout);
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_400() {
    let cut = stream::iter([Ok(vec![b'{']), Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))]);
    let refused = receive(&json_head(), Body::from_stream(cut), Accepts::JSON).await.unwrap_err();
    assert_eq!(refused.code(), Code::IncompleteBody);
}
