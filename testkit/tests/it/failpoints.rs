//! Failpoints are all named in one place, and are in no build of the program alone.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::structure::{places, root, sources};

/// The list in `api/src/failpoints.rs`.
fn named() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("api/src/failpoints.rs")).expect("the file");
    let (_, list) = text.split_once("pub const NAMES").expect("the list");
    let (list, _) = list.split_once("];").expect("its end");
    list.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).map(str::to_owned).collect()
}

#[test]
fn each_failpoint_is_named_and_marks_one_line() {
    let mut marked = Vec::new();
    for folder in ["domain", "commands", "projections", "consumers", "api"] {
        marked.extend(places(&sources(folder), &["fail_point!"]));
    }
    let names: Vec<String> = marked
        .iter()
        .map(|line| {
            let name = line.split_once("fail::fail_point!(\"").and_then(|(_, rest)| rest.split_once("\");"));
            name.unwrap_or_else(|| panic!("not of the usual form: {line}")).0.to_owned()
        })
        .collect();
    assert_eq!(names.iter().cloned().collect::<BTreeSet<_>>(), named());
    assert_eq!(names.len(), named().len(), "a name marks more than one line: {marked:#?}");
}

/// What cargo itself says that it builds without any test.
#[test]
fn no_build_of_the_program_has_failpoints() {
    let features = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(root()).args(["tree", "--locked", "--offline", "--prefix", "none"]);
        let output = cargo.args(["--format", "{p}:{f}"]).args(arguments).output().expect("cargo can be started");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let fail = text.lines().find_map(|line| line.strip_prefix("fail v")?.split_once(':'));
        fail.unwrap_or_else(|| panic!("the crate `fail` is not in\n{text}")).1.trim_end_matches(" (*)").to_owned()
    };
    // The program; what `cargo build --workspace` builds; the benchmark.
    for build in [&["--package", "api"][..], &["--workspace"], &["--package", "testkit"]] {
        assert_eq!(features(&[build, &["--edges", "normal,build"]].concat()), "", "{build:?}");
    }
    // The same crates, once for all tests, whichever of them are asked for.
    for package in ["commands", "projections", "consumers", "api", "testkit"] {
        assert_eq!(features(&["--package", package]), "failpoints", "the tests of {package}");
    }
}
