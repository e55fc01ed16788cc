//! `docs/API.md`, followed to the letter: its commands are run one after another, and what they print is what it shows.
//!
//! A block of `sh` that an `http` block follows prints that answer. Of the answer the block shows the status, headers
//! and members that matter; `…` stands for anything.

use super::root;
use crate::http_support::{Instance, Shop};
use serde_json::Value;
use std::fs;
use testkit::Launch;

/// Stands between what two commands print.
const CUT: &str = "\n--- the next command ---\n";

#[derive(Debug, Default)]
struct Step {
    commands: String,
    answer: Option<String>,
}

#[tokio::test]
async fn the_guide_does_what_it_says() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    instance.add_product("TEA-GREEN", "12.00").await;
    instance
        .patch("/v1/products/CUP", &serde_json::json!({ "price": crate::http_support::usd("18.00") }))
        .header("if-match", "*")
        .await
        .is(200);
    let steps = steps(&fs::read_to_string(root().join("docs/API.md")).expect("the guide"));
    let printed = run(&shop, &instance, &steps).await;
    assert_eq!(printed.len(), steps.len(), "{printed:#?}");
    for (step, printed) in steps.iter().zip(&printed) {
        if let Some(shown) = &step.answer {
            check(step, shown, printed);
        }
    }
}

/// The guide's blocks.
fn steps(guide: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block = lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n");
        match kind {
            "sh" => steps.push(Step { commands: block, answer: None }),
            "http" => {
                let step = steps.last_mut().filter(|step| step.answer.is_none());
                step.expect("an answer stands behind its command").answer = Some(block);
            }
            other => panic!("nobody knows what to do with a block of `{other}`"),
        }
    }
    assert!(steps.len() > 5, "the guide has examples");
    steps
}

/// Runs all of them in one shell; gives what each printed.
async fn run(shop: &Shop, instance: &Instance, steps: &[Step]) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let blocks: Vec<String> = steps.iter().map(|step| step.commands.clone()).collect();
    let script = blocks.join(&format!("\nprintf '%s' '{CUT}'\n"));
    let key = shop.key(&api::auth::Scope::ALL).await;
    let shell = Launch::of("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env("URL", format!("http://{}", instance.address))
        .env("KEY", key)
        .in_directory(directory.path());
    let finished = shell.run().await;
    finished.succeeded().split(CUT).map(str::to_owned).collect()
}

fn check(step: &Step, shown: &str, printed: &str) {
    let context = || format!("\n{}\nprinted\n{printed}\nand the guide shows\n{shown}", step.commands);
    let printed_unix = printed.replace('\r', "");
    let (head, body) = printed_unix.trim_start().split_once("\n\n").unwrap_or((printed_unix.trim_end(), ""));
    let (shown_head, shown_body) = shown.split_once("\n\n").unwrap_or((shown, ""));
    let (mut lines, mut shown_lines) = (head.lines(), shown_head.lines());
    assert_eq!(lines.next(), shown_lines.next(), "{}", context());
    let headers: Vec<(String, &str)> =
        lines.filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value))).collect();
    for line in shown_lines {
        let (name, value) = line.split_once(": ").expect("a header");
        let fits = headers.iter().any(|(there, is)| there == name && fits_text(value, is));
        assert!(fits, "{name}: {value} is not among {headers:?}{}", context());
    }
    if shown_body.is_empty() {
        return;
    }
    // A bare `…` stands for a value of any kind.
    let shown_json = shown_body.replace(": …", ": \"…\"");
    let shown_json: Value = serde_json::from_str(&shown_json).unwrap_or_else(|error| panic!("{error}{}", context()));
    let is: Value = serde_json::from_str(body.trim()).unwrap_or_else(|error| panic!("{error}{}", context()));
    assert!(fits(&shown_json, &is), "the body is another{}", context());
}

fn fits(shown: &Value, is: &Value) -> bool {
    match (shown, is) {
        (Value::String(text), _) if text == "…" => true,
        (Value::String(text), Value::String(is)) => fits_text(text, is),
        (Value::Object(members), Value::Object(is)) => {
            members.iter().all(|(name, shown)| is.get(name).is_some_and(|is| fits(shown, is)))
        }
        (Value::Array(elements), Value::Array(is)) => {
            elements.len() == is.len() && elements.iter().zip(is).all(|(shown, is)| fits(shown, is))
        }
        _ => shown == is,
    }
}

fn fits_text(shown: &str, is: &str) -> bool {
    match shown.split_once('…') {
        Some((before, behind)) => {
            is.len() > before.len() + behind.len() && is.starts_with(before) && is.ends_with(behind)
        }
        None => shown == is,
    }
}
