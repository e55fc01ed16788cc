//! What the targets share: reading a fuzzer's bytes as what a client, a server or a disk sends.

use api::problem::{Code, Fault, Place, Problem};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::fmt::Debug;

/// The bytes as text; `None` makes the fuzzer try others.
pub fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// Takes a number off the front, which says which of several things is fuzzed.
pub fn choice(data: &[u8], count: usize) -> Option<(usize, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((usize::from(*first) % count, rest))
}

/// Each line as the value of one of the headers `names`, in turn; what can't stand in a header is left out.
pub fn headers(data: &[u8], names: &[&'static str]) -> HeaderMap {
    let lines = data.split(|byte| *byte == b'\n').zip(names.iter().cycle());
    let values = lines.take(64).filter(|(line, _)| !line.is_empty());
    values.filter_map(|(line, name)| Some((HeaderName::from_static(name), HeaderValue::from_bytes(line).ok()?))).fold(
        HeaderMap::new(),
        |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        },
    )
}

/// Checks that a text that is taken reads again as it was kept: that nothing is left of it to trim or fold.
pub fn settled<T: PartialEq + Debug, E: Debug>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, E>,
    written: impl Fn(&T) -> &str,
) {
    if let Ok(parsed) = parse(text) {
        assert_eq!(parse(written(&parsed)).expect("what was taken is taken again"), parsed);
    }
}

/// Checks a refusal of a body: that it is none of JSON, or that it names each fault by a JSON pointer (RFC 6901) into
/// it.
pub fn check_refused_body(problem: &Problem, body: &[u8]) {
    if problem.code() == Code::MalformedJson {
        return;
    }
    assert_eq!(problem.code(), Code::InvalidBody);
    let faults = problem.faults();
    assert!((1..=100).contains(&faults.len()), "{faults:?}");
    let document: Value = serde_json::from_slice(body).expect("what is read for its members is JSON");
    // `Value` keeps the last of two members of a name, our reader the first: then a pointer may lead elsewhere.
    let doubled = faults.iter().any(|fault| fault.code == "duplicate_member");
    for Fault { place, code, detail } in faults {
        let Place::Pointer(pointer) = place else { panic!("{place:?} is no place in a body") };
        assert!(!code.is_empty() && !detail.is_empty());
        assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer}");
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        assert!(doubled || document.pointer(parent).is_some(), "nothing is at {parent}, where {pointer} has {code}");
    }
}
