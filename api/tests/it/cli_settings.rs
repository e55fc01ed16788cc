//! The documented settings are the real ones.

use std::collections::{BTreeMap, BTreeSet};

const OPERATIONS: &str = include_str!("../../../docs/OPERATIONS.md");

/// Flag and default of each variable.
type Settings = BTreeMap<String, (String, Option<String>)>;

fn collect(command: &clap::Command, into: &mut Settings) {
    for argument in command.get_arguments() {
        let Some(variable) = argument.get_env() else { continue };
        let flag = format!("--{}", argument.get_long().expect("a setting has a flag"));
        let default = argument.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
        let entry = into.entry(variable.to_string_lossy().into_owned()).or_insert((flag.clone(), None));
        assert_eq!(entry.0, flag, "one flag everywhere");
        entry.1 = entry.1.take().or(default);
        assert!(argument.is_hide_env_values_set(), "{flag}: help must not show what is set");
    }
    for command in command.get_subcommands() {
        collect(command, into);
    }
}

fn documented() -> Settings {
    let rows = OPERATIONS.lines().filter(|line| line.starts_with("| `--"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let code = |cell: &str| {
            cell.strip_prefix('`')?.strip_suffix('`').filter(|code| !code.contains('`')).map(str::to_owned)
        };
        (code(cells[1]).expect(row), (code(cells[0]).expect(row), code(cells[2])))
    })
    .collect()
}

#[test]
fn the_documented_settings_are_the_real_ones() {
    let mut real = Settings::new();
    collect(&api::cli::program(), &mut real);
    assert_eq!(documented(), real);
}

#[test]
fn the_documented_kafka_properties_are_the_real_ones() {
    let list = OPERATIONS.split("These Kafka properties").nth(1).unwrap().split("\n\n").next().unwrap();
    let documented: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(documented, consumers::kafka::ALLOWED_PROPERTIES.iter().copied().collect());
}

#[test]
fn the_command_line_is_sound() {
    api::cli::program().debug_assert();
}
