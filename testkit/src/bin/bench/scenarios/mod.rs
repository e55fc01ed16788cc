//! What is measured: one scenario, one file; its figures are what the table shows.

mod placing;

use crate::bench::Bench;
use crate::options::Options;
use std::pin::Pin;

type Running<'b> = Pin<Box<dyn Future<Output = ()> + 'b>>;

/// A thing to measure.
pub struct Scenario {
    /// What `--only` calls it.
    pub name: &'static str,
    pub about: &'static str,
    pub run: for<'b> fn(&'b mut Bench) -> Running<'b>,
}

macro_rules! scenario {
    ($name:literal, $about:literal, $run:expr) => {
        Scenario { name: $name, about: $about, run: |bench| Box::pin($run(bench)) }
    };
}

/// In the order in which they run.
const ALL: &[Scenario] = &[
    scenario!("orders-16", "orders of three lines over 16 connections, beside the peers", placing::over_16),
    scenario!("orders-64", "the same over 64", placing::over_64),
    scenario!("orders-256", "the same over 256", placing::over_256),
    scenario!("slow-16", "orders over 16 connections where each flush takes 1 ms more", placing::slow_over_16),
    scenario!("slow-64", "the same over 64", placing::slow_over_64),
];

/// Those asked for, in their order here; or the name that none has.
pub fn choose(options: &Options) -> Result<Vec<&'static Scenario>, String> {
    let known = |name: &String| ALL.iter().any(|scenario| scenario.name == name);
    if let Some(unknown) = options.only.iter().find(|name| !known(name)) {
        return Err(unknown.clone());
    }
    let wanted =
        |scenario: &&Scenario| options.only.is_empty() || options.only.iter().any(|name| name == scenario.name);
    Ok(ALL.iter().filter(wanted).collect())
}

/// All names, with what they are.
pub fn print_list() {
    let width = ALL.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    for Scenario { name, about, .. } in ALL {
        println!("{name:width$}  {about}");
    }
}
