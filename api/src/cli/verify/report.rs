//! What was checked and what differs, for people and for programs.

use super::{DIFFERS, NOT_CHECKED, Part};
use crate::roles::Failure;
use commands::LogIdentity;
use commands::verify::Found;
use domain::Position;
use indicatif::{HumanCount, HumanDuration};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::{Display, Write};
use std::process::ExitCode;
use std::time::Duration;

/// What a check came to, or why it could not be done; the outer error ends all checks.
pub(super) type Outcome<T> = Result<Result<T, String>, Failure>;

/// Everything that was checked.
pub(super) struct Report {
    log: LogIdentity,
    /// The head when it began.
    position: Position,
    checks: Vec<Check>,
    pub(super) took: Duration,
}

/// One check: of the log, a view, a topic, or a consumer's ledger.
pub(super) struct Check {
    part: Part,
    name: String,
    result: CheckResult,
    /// What was checked, or why not.
    text: String,
    facts: Value,
    count: u64,
    listed: Vec<Listed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CheckResult {
    Agrees,
    Differs,
    NothingToCheck,
    NotChecked,
}

/// A difference, in words and as data.
struct Listed {
    text: String,
    data: Value,
}

impl Check {
    /// A check that was carried out.
    pub(super) fn done<D: Display + Serialize>(
        part: Part,
        name: &str,
        text: String,
        facts: Value,
        differences: &Found<D>,
    ) -> Self {
        let result = if differences.count() == 0 { CheckResult::Agrees } else { CheckResult::Differs };
        let listed = differences.listed().iter().map(Listed::of).collect();
        Self { part, name: name.to_owned(), result, text, facts, count: differences.count(), listed }
    }

    /// A check that could not be carried out.
    pub(super) fn failed(part: Part, name: &str, why: impl Display) -> Self {
        Self::without(part, name, CheckResult::NotChecked, why)
    }

    /// There is nothing that could differ.
    pub(super) fn nothing(part: Part, name: &str, why: impl Display) -> Self {
        Self::without(part, name, CheckResult::NothingToCheck, why)
    }

    fn without(part: Part, name: &str, result: CheckResult, why: impl Display) -> Self {
        let text = Failure::new(why.to_string()).to_string();
        Self { part, name: name.to_owned(), result, text, facts: json!({}), count: 0, listed: Vec::new() }
    }

    fn json(&self) -> Value {
        json!({
            "part": self.part.key(),
            "name": self.name,
            "result": self.result.key(),
            "checked": self.result.is_checked(),
            "text": self.text,
            "facts": self.facts,
            "differences": self.count,
            "listed": self.listed.iter().map(|listed| listed.data.clone()).collect::<Vec<_>>(),
        })
    }
}

impl Listed {
    fn of<D: Display + Serialize>(difference: &D) -> Self {
        let text = difference.to_string();
        let mut data = serde_json::to_value(difference).unwrap_or_else(|_| json!({}));
        if let Value::Object(members) = &mut data {
            members.insert("text".to_owned(), Value::String(text.clone()));
        }
        Self { text, data }
    }
}

impl Part {
    const fn key(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Views => "views",
            Self::Topics => "topics",
            Self::Mails => "mails",
        }
    }
}

impl CheckResult {
    const fn key(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::NothingToCheck => "nothing_to_check",
            Self::NotChecked => "not_checked",
        }
    }

    /// Whether something was looked at: only then it can agree.
    const fn is_checked(self) -> bool {
        matches!(self, Self::Agrees | Self::Differs)
    }

    const fn shown(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "DIFFERS",
            Self::NothingToCheck => "-",
            Self::NotChecked => "NOT CHECKED",
        }
    }
}

impl Report {
    pub(super) fn new(log: LogIdentity, position: Position) -> Self {
        Self { log, position, checks: Vec::new(), took: Duration::ZERO }
    }

    pub(super) fn take(&mut self, checks: Vec<Check>) {
        self.checks.extend(checks);
    }

    /// A difference weighs more than what could not be checked.
    pub(super) fn exit_code(&self) -> ExitCode {
        if self.has(CheckResult::Differs) {
            ExitCode::from(DIFFERS)
        } else if self.has(CheckResult::NotChecked) {
            ExitCode::from(NOT_CHECKED)
        } else {
            ExitCode::SUCCESS
        }
    }

    fn has(&self, result: CheckResult) -> bool {
        self.checks.iter().any(|check| check.result == result)
    }

    /// Whether there is a check of that name which was carried out.
    pub(super) fn tells_of(&self, name: &str) -> bool {
        self.checks.iter().any(|check| check.name == name && check.result.is_checked())
    }

    /// `None` where it can't be said: something could not be checked, or there was nothing.
    fn agrees(&self) -> Option<bool> {
        if self.has(CheckResult::Differs) {
            return Some(false);
        }
        let is_proven = self.has(CheckResult::Agrees) && !self.has(CheckResult::NotChecked) && !self.is_of_nothing();
        is_proven.then_some(true)
    }

    /// Whether the log has nothing yet that anything could differ from.
    fn is_of_nothing(&self) -> bool {
        self.position == Position::ORIGIN
    }

    /// One document; its keys are in docs/OPERATIONS.md.
    pub(super) fn json(&self) -> String {
        let document = json!({
            "log_id": self.log.log_id,
            "epoch": self.log.epoch,
            "position": self.position,
            "agrees": self.agrees(),
            "complete": !self.has(CheckResult::NotChecked),
            "seconds": (self.took.as_secs_f64() * 1_000.0).round() / 1_000.0,
            "checks": self.checks.iter().map(Check::json).collect::<Vec<_>>(),
        });
        format!("{document:#}\n")
    }

    /// A line for each check, and below it what differs.
    pub(super) fn text(&self) -> String {
        let width = |cell: fn(&Check) -> &str| self.checks.iter().map(|check| cell(check).len()).max().unwrap_or(0);
        let (parts, names, results) =
            (width(|check| check.part.key()), width(|check| &check.name), width(|check| check.result.shown()));
        let mut text = format!("Up to position {} of the log:\n\n", HumanCount(self.position.0));
        for check in &self.checks {
            let (part, name, result) = (check.part.key(), &check.name, check.result.shown());
            // Writing to a string can't fail.
            let _ = writeln!(text, "{part:<parts$}  {name:<names$}  {result:<results$}  {}", check.text);
            for listed in &check.listed {
                let _ = writeln!(text, "    {}", listed.text);
            }
            match check.count - check.listed.len() as u64 {
                0 => {}
                more => text.push_str(&format!("    and {} more\n", HumanCount(more))),
            }
        }
        let _ = writeln!(text, "\n{}", self.conclusion());
        text
    }

    fn conclusion(&self) -> String {
        let took = HumanDuration(Duration::from_secs(self.took.as_secs().max(1)));
        let differences: u64 = self.checks.iter().map(|check| check.count).sum();
        let unchecked = self.checks.iter().filter(|check| check.result == CheckResult::NotChecked).count() as u64;
        let found = match (differences, unchecked) {
            (0, 0) if self.is_of_nothing() => "There is nothing to check yet: the log has no events".to_owned(),
            (0, 0) => "Everything agrees".to_owned(),
            (0, unchecked) => format!("{} could not be done", several(unchecked, "check", "checks")),
            (differences, 0) => several(differences, "difference", "differences"),
            (differences, unchecked) => format!(
                "{}, and {} could not be done",
                several(differences, "difference", "differences"),
                several(unchecked, "check", "checks")
            ),
        };
        format!("{found}. It took {took}.")
    }
}

/// A count with its noun.
pub(super) fn several(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", HumanCount(count), if count == 1 { one } else { many })
}

pub(super) fn events(count: u64) -> String {
    several(count, "event", "events")
}
