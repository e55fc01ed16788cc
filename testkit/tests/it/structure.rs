//! What must not exist: the absences that `docs/ARCHITECTURE.md` names, held against the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// No source file of the product is longer: one file is one idea.
const MOST_LINES: usize = 450;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// The product's sources below `folder`, without its tests, each with its path from the root.
pub fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, fs::read_to_string(&path).expect("a source file")));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has sources");
    found
}

/// The places, as `file:line`, where code (not a comment) holds one of `words`.
pub fn places(sources: &[(String, String)], words: &[&str]) -> Vec<String> {
    let code = |line: &str| !line.trim_start().starts_with("//");
    sources
        .iter()
        .flat_map(|(name, text)| text.lines().enumerate().map(move |(number, line)| (name, number + 1, line)))
        .filter(|(_, _, line)| code(line) && words.iter().any(|word| line.contains(word)))
        .map(|(name, number, line)| format!("{name}:{number}: {}", line.trim()))
        .collect()
}

fn dependencies(folder: &str) -> String {
    let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
    manifest.split("[dependencies]").nth(1).unwrap_or("").split("\n[").next().unwrap_or("").to_owned()
}

#[test]
fn the_domain_knows_no_clock_no_runtime_and_no_server() {
    for name in ["tokio", "sqlx", "axum", "rdkafka", "lettre", "futures"] {
        assert!(!dependencies("domain").contains(&format!("\n{name}")), "domain depends on {name}");
    }
    let words = ["Utc::now", "SystemTime::now", "Instant::now", "now_v7", "new_v4", "async fn", ".await"];
    assert_eq!(places(&sources("domain"), &words), Vec::<String>::new());
}

#[test]
fn only_the_log_names_the_table_of_events() {
    let mut all = sources("commands");
    all.retain(|(name, _)| !name.starts_with("commands/src/log/"));
    for folder in ["projections", "consumers", "api"] {
        all.extend(sources(folder));
    }
    let words = ["FROM events", "INTO events", "UPDATE events", "JOIN events", "TABLE events"];
    assert_eq!(places(&all, &words), Vec::<String>::new());
}

#[test]
fn only_consumers_name_kafka_s_client() {
    for folder in ["domain", "commands", "projections", "api"] {
        assert!(!dependencies(folder).contains("\nrdkafka"), "{folder} depends on rdkafka");
    }
}

#[test]
fn only_the_api_knows_status_codes() {
    for folder in ["domain", "commands", "projections", "consumers"] {
        assert!(!dependencies(folder).contains("\naxum") && !dependencies(folder).contains("\nhttp"), "{folder}");
        assert_eq!(places(&sources(folder), &["StatusCode"]), Vec::<String>::new());
    }
}

#[test]
fn dependencies_point_one_way() {
    let allowed: [(&str, &[&str]); 4] = [
        ("domain", &[]),
        ("commands", &["domain"]),
        ("projections", &["domain", "commands"]),
        ("consumers", &["domain", "commands"]),
    ];
    for (folder, allowed) in allowed {
        for other in ["domain", "commands", "projections", "consumers", "api", "testkit"] {
            let depends = dependencies(folder).contains(&format!("\n{other}.workspace"));
            assert!(!depends || allowed.contains(&other), "{folder} depends on {other}");
        }
    }
}

#[test]
fn a_file_is_one_idea() {
    for folder in ["domain", "commands", "projections", "consumers", "api"] {
        for (name, text) in sources(folder) {
            let lines = text.lines().count();
            assert!(lines <= MOST_LINES, "{name} has {lines} lines: it holds more than one idea");
        }
    }
}

/// The formatter keeps code within this width and leaves comments as they are.
#[test]
fn comments_are_no_wider_than_code() {
    let crates = ["domain", "commands", "projections", "consumers", "api", "testkit"];
    let all: Vec<_> = crates.iter().flat_map(|folder| sources(folder)).collect();
    let comments = |line: &&str| line.trim_start().starts_with("//") && line.chars().count() > 120;
    let wide = all.iter().flat_map(|(name, text)| text.lines().filter(comments).map(move |line| (name, line)));
    assert_eq!(wide.collect::<Vec<_>>(), []);
}

#[test]
fn nothing_is_left_unfinished_or_silenced() {
    let mut all = Vec::new();
    for folder in ["domain", "commands", "projections", "consumers", "api", "testkit"] {
        all.extend(sources(folder));
    }
    let words = ["todo!(", "unimplemented!(", "FIXME", "allow(dead_code", "allow(unused", "#[ignore"];
    assert_eq!(places(&all, &words), Vec::<String>::new());
}

#[test]
fn the_event_dictionary_names_every_event_with_its_version() {
    let dictionary = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the document");
    for (kind, event_type, version) in domain::wire::versions() {
        let row = dictionary.lines().find(|line| line.starts_with(&format!("| `{event_type}` | {kind} |")));
        let row = row.unwrap_or_else(|| panic!("docs/ARCHITECTURE.md does not name {event_type}"));
        let newest = domain::wire::is_current(event_type, version);
        assert!(
            !newest || row.contains(&format!("| {version} |")),
            "docs/ARCHITECTURE.md: {event_type} is at version {version}"
        );
    }
}
