//! A command line that is refused, in one line.

use clap::Command;
use clap::error::{ContextKind, ContextValue};
use std::env;

/// What clap says on several lines, on one: what is wrong, and what may have been meant. Nothing that looks like a URL
/// is repeated: it may hold a password.
pub(super) fn one_line(error: &clap::Error, program: &Command) -> String {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let said: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information")).collect();
    let words = said.join("; ").replace("error: ", "").replace("tip: ", "").replace(":; ", ": ");
    let words: Vec<&str> = words.split(' ').map(|word| if word.contains("://") { "'…'" } else { word }).collect();
    let source = source(error, program).unwrap_or_default();
    format!("{}{source} (`{} --help` explains)", words.join(" "), command_of(&text))
}

/// The command whose usage clap shows: `Usage: orders keys create [OPTIONS] …` is of `orders keys create`.
fn command_of(text: &str) -> String {
    let usage = text.lines().find_map(|line| line.trim().strip_prefix("Usage:")).unwrap_or("orders");
    let words = usage.split_whitespace().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()));
    words.collect::<Vec<_>>().join(" ")
}

/// Where a value comes from, when it is not the command line.
fn source(error: &clap::Error, program: &Command) -> Option<String> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let long = argument.strip_prefix("--")?.split(' ').next()?;
    let variable = variable_of(program, long)?;
    env::var_os(&variable).map(|_| format!(", which {variable} sets"))
}

fn variable_of(command: &Command, long: &str) -> Option<String> {
    let own = command.get_arguments().find(|argument| argument.get_long() == Some(long));
    match own.and_then(|argument| argument.get_env()) {
        Some(name) => Some(name.to_string_lossy().into_owned()),
        None => command.get_subcommands().find_map(|command| variable_of(command, long)),
    }
}
