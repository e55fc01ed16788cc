//! `--from` and `--to` of commands: days of the shop, both included, or instants, of which the last is not. The API's
//! ranges end before `to`, whatever it is.

use crate::roles::Failure;
use chrono::NaiveDate;
use projections::order_totals::Days;

/// The days from one to another, both included; open where nothing is said. Of none of them nothing could be told.
pub(super) fn days(from: Option<NaiveDate>, last: Option<NaiveDate>) -> Result<Days, Failure> {
    if let (Some(from), Some(last)) = (from, last)
        && last < from
    {
        return Err(Failure::new(format!(
            "--from {from} --to {last}: the range holds no day, as it ends before it begins"
        )));
    }
    // Behind the last day of the calendar there is none to end before.
    Ok(Days { from, to: last.and_then(|last| last.succ_opt()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::program;
    use clap::Command;

    fn help(command: &Command, id: &str) -> String {
        let argument = command.get_arguments().find(|argument| argument.get_id() == id);
        let help = argument.unwrap_or_else(|| panic!("{} has no --{id}", command.get_name())).get_help();
        help.map(ToString::to_string).unwrap_or_default()
    }

    /// The paths of all commands that end somewhere, and what their end is: a `DAY` or a `TIME`.
    fn ends(command: &Command, path: &str, found: &mut Vec<(String, String)>) {
        if let Some(to) = command.get_arguments().find(|argument| argument.get_long() == Some("to")) {
            let unit =
                to.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
            let words = help(command, "to");
            match unit.as_str() {
                "DAY" => assert!(words.contains("which is included"), "{path}: {words}"),
                "TIME" => assert!(words.contains("which is not included"), "{path}: {words}"),
                other => panic!("{path}: --to is a {other}"),
            }
            assert!(!help(command, "from").is_empty(), "{path}");
            found.push((path.to_owned(), unit));
        }
        for child in command.get_subcommands() {
            ends(child, &format!("{path} {}", child.get_name()), found);
        }
    }

    #[test]
    fn an_end_is_included_where_it_is_a_day_and_not_where_it_is_a_time() {
        let mut found = Vec::new();
        ends(&program(), "orders", &mut found);
        let found: Vec<(&str, &str)> = found.iter().map(|(path, unit)| (path.as_str(), unit.as_str())).collect();
        let expected =
            [("orders events", "TIME"), ("orders totals", "DAY"), ("orders as-of", "DAY"), ("orders what-if", "DAY")];
        assert_eq!(found, expected, "another command with --from and --to holds the same rule");
    }

    #[test]
    fn both_ends_are_included_and_the_calendar_may_end() {
        let day = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
        let range = days(day("2026-01-31"), day("2026-01-31")).unwrap();
        assert_eq!((range.from, range.to), (day("2026-01-31"), day("2026-02-01")));
        assert_eq!(days(None, None), Ok(Days::default()));
        assert_eq!(days(None, Some(NaiveDate::MAX)).unwrap().to, None);
        assert!(days(day("2026-02-01"), day("2026-01-31")).is_err());
    }
}
