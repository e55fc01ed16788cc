//! Alerts and dashboard name numbers that there are, and sections that there are.

use api::metrics::catalogue::{ALL, Kind};
use serde_json::Value;
use std::collections::BTreeSet;
use testkit::Launch;

const OPERATIONS: &str = include_str!("../../../../docs/OPERATIONS.md");
/// What Prometheus itself tells of each target.
const OF_PROMETHEUS: [&str; 1] = ["up"];
const DASHBOARD: &str = include_str!("../../../../docs/grafana.json");

/// `docs/alerts.yml`, read by a real parser.
async fn alerts() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/alerts.yml");
    let read = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let json = Launch::of(testkit::python()).args(["-c", read, path]).run().await.succeeded();
    let rules: Value = serde_json::from_str(&json).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// The names of numbers in an expression, as they are in the catalogue.
fn named(expression: &str) -> BTreeSet<&'static str> {
    // What stands in quotes is the value of a label.
    let bare: String = expression.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let words = bare.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let names = words.filter(|word| word.starts_with("orders_") || word.starts_with("process_"));
    names
        .map(|name| {
            let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let found = ALL.iter().find(|metric| match of_histogram {
                Some(base) => metric.name == base && matches!(metric.kind, Kind::Histogram(_) | Kind::Summary),
                None => metric.name == name,
            });
            found.unwrap_or_else(|| panic!("there is no {name}: {expression}")).name
        })
        .collect()
}

fn labels_are_known(expression: &str) {
    for (selector, rest) in expression.match_indices('{').map(|(at, _)| expression.split_at(at)) {
        let name = selector.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap();
        let metric = ALL.iter().find(|metric| metric.name == name);
        let labels = match metric {
            Some(metric) => metric.labels,
            None if OF_PROMETHEUS.contains(&name) => &[],
            None => panic!("{name} in {expression}"),
        };
        for pair in rest[1..].split('}').next().unwrap().split(',') {
            let label = pair.split(['=', '!']).next().unwrap().trim();
            assert!(label == "job" || labels.contains(&label), "{name} has no {label}: {expression}");
        }
    }
}

fn anchors() -> BTreeSet<String> {
    let heads = OPERATIONS.lines().filter_map(|line| line.strip_prefix("## "));
    heads.map(|head| head.to_lowercase().replace(' ', "-").replace(['\'', ','], "")).collect()
}

#[tokio::test]
async fn each_alert_says_what_to_do_about_numbers_that_there_are() {
    let (alerts, anchors) = (alerts().await, anchors());
    assert!(alerts.len() > 10, "{alerts:?}");
    let mut names = BTreeSet::new();
    for alert in &alerts {
        let text = |of: &Value| of.as_str().unwrap_or_else(|| panic!("{alert}")).to_owned();
        assert!(names.insert(text(&alert["alert"])), "each once: {alert}");
        let expression = text(&alert["expr"]);
        let is_of_prometheus = OF_PROMETHEUS.iter().any(|name| expression.starts_with(&format!("{name}{{")));
        assert!(is_of_prometheus || !named(&expression).is_empty(), "{alert}");
        labels_are_known(&expression);
        assert!(["page", "ticket"].contains(&text(&alert["labels"]["severity"]).as_str()), "{alert}");
        for part in ["summary", "description"] {
            assert!(!text(&alert["annotations"][part]).is_empty(), "{alert}");
        }
        let runbook = text(&alert["annotations"]["runbook"]);
        let anchor = runbook.strip_prefix("docs/OPERATIONS.md#").unwrap_or_else(|| panic!("{alert}"));
        assert!(anchors.contains(anchor), "there is no section {anchor}: {anchors:?}");
    }
}

/// Each alert fires when it should, and none does when all is well: `alerts.test.yml`.
#[tokio::test]
async fn the_alerts_come_to_what_they_say() {
    let (folder, promtool) = (concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/ops"), testkit::promtool());
    let rules = format!("{folder}/../../../../docs/alerts.yml");
    Launch::of(promtool.clone()).args(["check", "rules", &rules]).run().await.succeeded();
    let cases = format!("{folder}/alerts.test.yml");
    Launch::of(promtool).args(["test", "rules", &cases]).run().await.succeeded();
    let cases = std::fs::read_to_string(cases).unwrap();
    for alert in alerts().await {
        let name = format!("alertname=\"{}\"", alert["alert"].as_str().unwrap());
        assert!(cases.contains(&name), "nothing shows that {name} fires");
    }
}

#[test]
fn the_dashboard_shows_numbers_that_there_are() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each has an id of its own");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default());
    let expressions: Vec<String> = targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    assert!(expressions.len() > 20);
    for expression in &expressions {
        assert!(!named(expression).is_empty(), "{expression}");
        labels_are_known(expression);
    }
}
