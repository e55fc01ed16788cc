//! Forms: what is typed is read once into the domain's types, and kept as it was typed where that fails.

use crate::shop::Posted;
use std::fmt::Display;

/// More than any field holds: what stands behind is not shown again.
const MAX_KEPT_CHARS: usize = 20_000;

/// A form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    pub(crate) fields: Vec<Field>,
}

/// A field of it.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: String,
    /// `textarea`, `select`, or a type of `input`.
    pub(crate) kind: &'static str,
    /// What browsers fill in (HTML, section 4.10.18.7).
    pub(crate) autocomplete: &'static str,
    pub(crate) max_chars: usize,
    pub(crate) value: String,
    pub(crate) required: bool,
    /// What stands below it.
    pub(crate) hint: Option<String>,
    /// Of a `select`: values and labels.
    pub(crate) options: Vec<(String, String)>,
    /// What is wrong, and what to do.
    pub(crate) error: Option<String>,
    /// Whether it is the first that is wrong: there the work goes on.
    pub(crate) focus: bool,
}

impl Field {
    fn is_secret(&self) -> bool {
        self.kind == "password"
    }
}

impl Form {
    /// Without fields yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn field(mut self, name: &'static str, label: String, kind: &'static str, max_chars: usize) -> Self {
        self.fields.push(Field {
            name,
            label,
            kind,
            autocomplete: "off",
            max_chars,
            value: String::new(),
            required: true,
            hint: None,
            options: Vec::new(),
            error: None,
            focus: false,
        });
        self
    }

    /// A line of text.
    #[must_use]
    pub(crate) fn text(self, name: &'static str, label: String, max_chars: usize) -> Self {
        self.field(name, label, "text", max_chars)
    }

    /// Several lines.
    #[must_use]
    pub(crate) fn textarea(self, name: &'static str, label: String, max_chars: usize) -> Self {
        self.field(name, label, "textarea", max_chars)
    }

    /// An address of mail.
    #[must_use]
    pub(crate) fn email(self, name: &'static str, label: String) -> Self {
        self.field(name, label, "email", domain::text::Email::MAX_CHARS)
    }

    /// What is not shown while it is typed, nor again.
    #[must_use]
    pub(crate) fn password(self, name: &'static str, label: String) -> Self {
        self.field(name, label, "password", commands::members::passwords::Password::MAX_CHARS)
    }

    /// A number, or an amount: as it is typed.
    #[must_use]
    pub(crate) fn number(self, name: &'static str, label: String, max_chars: usize) -> Self {
        self.field(name, label, "text", max_chars)
    }

    /// One of several values, each with its label.
    #[must_use]
    pub(crate) fn select(mut self, name: &'static str, label: String, options: Vec<(String, String)>) -> Self {
        self = self.field(name, label, "select", 0);
        self.change(|field| field.options = options)
    }

    /// Yes or no.
    #[must_use]
    pub(crate) fn checkbox(self, name: &'static str, label: String) -> Self {
        self.field(name, label, "checkbox", 0).optional()
    }

    /// The field that was added last may stay empty.
    #[must_use]
    pub(crate) fn optional(self) -> Self {
        self.change(|field| field.required = false)
    }

    /// What stands below the field that was added last.
    #[must_use]
    pub(crate) fn hint(self, hint: String) -> Self {
        self.change(|field| field.hint = Some(hint))
    }

    /// What is in the field that was added last.
    #[must_use]
    pub(crate) fn value_of(self, value: impl Into<String>) -> Self {
        self.change(|field| field.value = value.into())
    }

    /// What browsers fill into the field that was added last.
    #[must_use]
    pub(crate) fn autocomplete(self, what: &'static str) -> Self {
        self.change(|field| field.autocomplete = what)
    }

    fn change(mut self, change: impl FnOnce(&mut Field)) -> Self {
        if let Some(field) = self.fields.last_mut() {
            change(field);
        }
        self
    }

    /// Takes what was typed.
    pub(crate) fn fill(&mut self, posted: &Posted) {
        for field in &mut self.fields {
            let typed = posted.get(field.name).unwrap_or_default();
            field.value = typed.chars().take(MAX_KEPT_CHARS).collect();
        }
    }

    /// What is in a field.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|field| field.name == name).map(|field| field.value.as_str()).unwrap_or_default()
    }

    /// Whether a box is ticked.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        !self.value(name).is_empty()
    }

    /// What is in a field, as `parse` reads it; `None`, and said so below the field, where it is refused.
    pub(crate) fn read<T, E: Display>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        match parse(self.value(name)) {
            Ok(read) => Some(read),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }

    /// Says below a field what is wrong with it.
    pub(crate) fn wrong(&mut self, name: &str, words: String) {
        let is_first = !self.has_faults();
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
            (field.error, field.focus) = (Some(words), is_first);
        }
    }

    /// Whether something is wrong.
    pub(crate) fn has_faults(&self) -> bool {
        self.fields.iter().any(|field| field.error.is_some())
    }

    /// As it is shown again: what is secret is typed again.
    #[must_use]
    pub(crate) fn shown(mut self) -> Self {
        self.fields.iter_mut().filter(|field| field.is_secret()).for_each(|field| field.value.clear());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::text::Email;

    #[test]
    fn what_is_wrong_is_said_below_its_field_and_secrets_are_not_shown_again() {
        let mut form = Form::new().email("email", "E-mail".to_owned()).password("word", "Password".to_owned());
        form.fields[0].value = "ada".to_owned();
        form.fields[1].value = "oolong".to_owned();
        assert_eq!(form.read("email", Email::parse), None);
        let shown = form.shown();
        assert_eq!(shown.fields[0].error.as_deref(), Some("is not an e-mail address such as ada@example.com"));
        assert!(shown.fields[0].focus && shown.fields[0].value == "ada" && shown.fields[1].value.is_empty());
    }
}
