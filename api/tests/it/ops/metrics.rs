//! The numbers that are shown are those that are documented, and those that are counted.

use super::super::embedded_support::{BOUND, Place, order_as_printed};
use api::metrics::catalogue::{ALL, Kind, Metric};
use prometheus_parse::Scrape;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use testkit::{Launch, Program, eventually};

const OPERATIONS: &str = include_str!("../../../../docs/OPERATIONS.md");

/// What a system that has nothing but what it brings along, and one order, does not come to.
const NOT_HERE: [&str; 10] = [
    "orders_consumer_restarts_total",
    "orders_dead_letters_total",
    "orders_live_closed_total",
    "orders_live_sockets",
    "orders_page_reads_total",
    "orders_payment_notices_refused_total",
    "orders_payment_notices_total",
    "orders_redis_connected",
    "orders_task_restarts_total",
    "orders_trace_spans_total",
];

fn metric(name: &str) -> Option<&'static Metric> {
    ALL.iter().find(|metric| metric.name == name)
}

/// Where the program that runs is reached.
pub fn base(program: &Program) -> String {
    let output = program.stdout();
    let start = output.find("http://").expect("the welcome names the address");
    output[start..].split(['/', ' ', '\n']).take(3).collect::<Vec<_>>().join("/")
}

/// What it shows at this moment.
pub async fn scrape(base: &str) -> String {
    Launch::of("curl").args(["-sS", "--fail", &format!("{base}/metrics")]).run().await.succeeded()
}

#[test]
fn the_documented_numbers_are_those_that_there_are() {
    let section = OPERATIONS.split("\n## Metrics\n").nth(1).expect("a section").split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let documented: Vec<[String; 4]> = rows
        .map(|row| {
            let cells: Vec<&str> =
                row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
            [cells[0], cells[1], cells[2], cells[3]].map(str::to_owned)
        })
        .collect();
    let real: Vec<[String; 4]> = ALL
        .iter()
        .map(|Metric { name, kind, labels, help }| {
            let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
            [(*name).to_owned(), kind.as_str().to_owned(), labels.trim_matches('`').to_owned(), (*help).to_owned()]
        })
        .collect();
    for (documented, real) in documented.iter().zip(&real) {
        assert_eq!(documented, real);
    }
    assert_eq!(documented.len(), real.len());
}

#[test]
fn names_are_those_of_their_units() {
    for Metric { name, kind, .. } in ALL {
        assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
        let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(is_plain && (name.starts_with("orders_") || name.starts_with("process_")), "{name}");
    }
    let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), ALL.len(), "each once");
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The names that the sources count under, with their macro and their labels.
fn counted() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for krate in ["api", "commands", "consumers", "projections"] {
        sources(&top.join(krate).join("src"), &mut files);
    }
    let mut found = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for kind in ["counter", "gauge", "histogram"] {
            for call in text.split(&format!("metrics::{kind}!(")).skip(1) {
                let call = call.split(';').next().unwrap();
                let words: Vec<&str> = call.split('"').collect();
                let Some(name) = words.get(1).filter(|_| words[0].trim().is_empty()) else { continue };
                // A label stands before its arrow.
                let labels = words.windows(2).skip(1).filter(|pair| pair[1].trim_start().starts_with("=>"));
                let labels: BTreeSet<String> = labels.map(|pair| pair[0].to_owned()).collect();
                found.insert((*name).to_owned(), (kind.to_owned(), labels));
            }
        }
    }
    found
}

#[test]
fn each_number_that_is_counted_is_in_the_catalogue_and_each_of_the_catalogue_is_counted() {
    let counted = counted();
    assert!(counted.len() > 50, "the sources are read: {counted:?}");
    for (name, (kind, labels)) in &counted {
        let metric = metric(name).unwrap_or_else(|| panic!("{name} is in no catalogue"));
        let expected = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) | Kind::Summary => "histogram",
        };
        assert_eq!(kind, expected, "{name}");
        let known: BTreeSet<String> = metric.labels.iter().map(|label| (*label).to_owned()).collect();
        assert_eq!(*labels, known, "{name}");
    }
    let missing: Vec<_> =
        ALL.iter().filter(|metric| !counted.contains_key(metric.name)).map(|metric| metric.name).collect();
    assert_eq!(missing, Vec::<&str>::new(), "nobody counts them");
}

/// The families of a scrape, each checked against the catalogue: name, kind, labels.
fn families(text: &str) -> BTreeSet<&'static str> {
    let mut shown = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
        let [name, kind] = line["# TYPE ".len()..].split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let metric = metric(name).unwrap_or_else(|| panic!("{name} is in no catalogue"));
        assert_eq!(kind, metric.kind.as_str(), "{name}");
        assert!(text.contains(&format!("# HELP {name} {}\n", metric.help)), "{name} says what it is");
        shown.insert(metric.name);
    }
    let typed = Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).expect("it is Prometheus' text format");
    for sample in &typed.samples {
        let name = ["_sum", "_count", "_bucket"].iter().find_map(|end| metric(sample.metric.strip_suffix(end)?));
        let metric = metric(&sample.metric).or(name).unwrap_or_else(|| panic!("{} is in no catalogue", sample.metric));
        let labels: BTreeSet<&str> = sample.labels.keys().map(String::as_str).collect();
        assert_eq!(labels, metric.labels.iter().copied().collect(), "{}", sample.metric);
    }
    shown
}

#[tokio::test]
async fn a_running_system_shows_what_is_documented_and_nothing_else() {
    let place = Place::new();
    let program = place.start().await;
    order_as_printed(&program).await;
    let base = base(&program);
    let expected: BTreeSet<&str> =
        ALL.iter().map(|metric| metric.name).filter(|name| !NOT_HERE.contains(name)).collect();
    let text = eventually("all numbers are shown", BOUND, async || {
        let text = scrape(&base).await;
        let shown = families(&text);
        let missing: Vec<_> = expected.difference(&shown).collect();
        if missing.is_empty() { Ok(text) } else { Err(format!("missing: {missing:?}")) }
    })
    .await;
    for line in [
        "orders_http_requests_total{method=\"POST\",path=\"/v1/orders\",status_class=\"2xx\"} 1",
        "orders_mails_total{outcome=\"sent\"} 1",
        "orders_stalled{reader=\"relay\"} 0",
        "orders_task_up{task=\"monitor\"} 1",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} in\n{text}");
    }
    let paths: BTreeSet<&str> = api::app::paths().into_iter().map(|(path, _)| path).chain(["unknown"]).collect();
    let typed = Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap();
    for path in typed.samples.iter().filter_map(|sample| sample.labels.get("path")) {
        assert!(paths.contains(path), "{path} is the template of a route");
    }
}
