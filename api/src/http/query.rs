//! Query parameters, read like a body's members: each once, none unknown, all faults at once.

use crate::problem::{Code, Faults, Place, Problem, ValueError};
use chrono::{DateTime, Utc};
use std::borrow::Cow;
use std::str::FromStr;

/// The parameters that were not read yet.
pub struct Query<'q> {
    parameters: Vec<(Cow<'q, str>, Cow<'q, str>)>,
    faults: Faults,
}

impl<'q> Query<'q> {
    /// Takes a query apart.
    pub fn new(query: Option<&'q str>) -> Self {
        let parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect();
        Self { parameters, faults: Faults::default() }
    }

    /// A parameter as it stands there.
    pub fn raw(&mut self, name: &str) -> Option<Cow<'q, str>> {
        let first = self.parameters.iter().position(|(parameter, _)| parameter == name)?;
        let (_, value) = self.parameters.remove(first);
        if self.parameters.iter().any(|(parameter, _)| parameter == name) {
            self.fault(name, "duplicate_parameter", "stands more than once");
            self.parameters.retain(|(parameter, _)| parameter != name);
        }
        Some(value)
    }

    /// Notes a fault if a parameter is not there; to be asked before it is read.
    pub fn required(&mut self, name: &str) {
        if !self.parameters.iter().any(|(parameter, _)| parameter == name) {
            self.fault(name, "missing", "is required");
        }
    }

    /// A parameter of one of several words.
    pub fn one_of<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let value = self.raw(name)?;
        let found = words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.fault(name, "unknown_value", format!("must be {}", known.join(" or ")));
        }
        found
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        self.one_of(name, &[("true", true), ("false", false)])
    }

    /// A whole number from `least` to `most`.
    pub fn number<N>(&mut self, name: &str, least: N, most: N) -> Option<N>
    where
        N: FromStr + PartialOrd + std::fmt::Display,
    {
        let number = self.raw(name)?.parse().ok().filter(|number: &N| (&least..=&most).contains(&number));
        if number.is_none() {
            self.fault(name, "out_of_range", format!("must be a whole number from {least} to {most}"));
        }
        number
    }

    /// A time by RFC 3339.
    pub fn time(&mut self, name: &str) -> Option<DateTime<Utc>> {
        let time = DateTime::parse_from_rfc3339(&self.raw(name)?).ok().map(|time| time.with_timezone(&Utc));
        if time.is_none() {
            self.fault(
                name,
                "not_a_time",
                "must be a time by RFC 3339 such as 2026-01-31T00:00:00Z (a + is written %2B)",
            );
        }
        time
    }

    /// A text as `parse` reads it.
    pub fn parsed<T, E: ValueError>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        match parse(&self.raw(name)?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(name, error.code(), error.to_string());
                None
            }
        }
    }

    /// Notes a fault.
    pub fn fault(&mut self, name: &str, code: &'static str, detail: impl Into<Cow<'static, str>>) {
        self.faults.add(Place::Parameter(name.chars().take(64).collect()), code, detail);
    }

    /// Ends reading: what nobody asked for is unknown.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.parameters) {
            self.fault(&name, "unknown_parameter", "is not known here");
        }
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(Problem::of_faults(Code::InvalidQuery, self.faults))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_is_read_once_and_none_is_unknown() {
        let mut query = Query::new(Some("paid=true&limit=7&from=2026-01-31T00%3A00%3A00%2B01:00"));
        assert_eq!(query.boolean("paid"), Some(true));
        assert_eq!(query.number("limit", 1_u32, 200), Some(7));
        assert_eq!(query.time("from").map(|time| time.to_rfc3339()).as_deref(), Some("2026-01-30T23:00:00+00:00"));
        assert_eq!(query.raw("cursor"), None);
        assert!(query.finish().is_ok());
    }

    #[test]
    fn all_faults_are_found_at_once() {
        let mut query = Query::new(Some("paid=yes&limit=0&from=today&to=2026-01-01T00:00:00Z&to=2026&colour=red"));
        assert_eq!((query.boolean("paid"), query.number("limit", 1_u32, 200), query.time("from")), (None, None, None));
        query.time("to");
        let problem = query.finish().unwrap_err();
        assert_eq!(problem.code(), Code::InvalidQuery);
        let shown = format!("{problem:?}");
        for code in ["unknown_value", "out_of_range", "not_a_time", "duplicate_parameter", "unknown_parameter"] {
            assert!(shown.contains(code), "{code} in {shown}");
        }
    }
}
