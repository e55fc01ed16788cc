use super::*;
use std::collections::BTreeSet;

#[test]
fn every_body_has_an_example_that_its_reader_takes() {
    for operation in operations() {
        let refused = operation.body.as_ref().filter(|body| body.example.is_none() && !body.is_file);
        assert!(refused.is_none(), "{}: the example of its body is refused", operation.id);
    }
}

#[test]
fn every_example_of_an_answer_is_something() {
    for operation in operations() {
        for success in &operation.successes {
            for (media_type, _, example) in &success.content {
                assert!(!example.is_null(), "{} {} {media_type}: no example", operation.id, success.status);
            }
        }
    }
}

#[test]
fn operations_are_known_by_names_of_their_own() {
    let operations = operations();
    let names: BTreeSet<&str> = operations.iter().map(|operation| operation.id).collect();
    assert_eq!(names.len(), operations.len());
}

#[test]
fn whatever_is_referred_to_is_there() {
    fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(elements) => elements.iter().for_each(|element| references(element, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}
