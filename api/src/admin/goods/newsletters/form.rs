//! The form of an issue.

use super::super::fields::{TRANSLATED, lines};
use crate::admin::form::Form;
use crate::admin::texts::{text, text_with};
use domain::newsletter::{IssueContent, IssueWords};
use domain::text::{IssueSubject, IssueText};

/// An empty one.
pub(super) fn new() -> Form {
    let form = Form::new()
        .text("subject", text("issue-subject"), IssueSubject::MAX_CHARS)
        .textarea("text", text("issue-text"), IssueText::MAX_CHARS)
        .hint(text("issue-text-hint"));
    TRANSLATED.iter().fold(form, |form, translated| {
        let named = |id: &str| text_with(id, &[("language", translated.lang.own_name().into())]);
        form.text(translated.title, named("issue-subject-in"), IssueSubject::MAX_CHARS)
            .optional()
            .textarea(translated.text, named("issue-text-in"), IssueText::MAX_CHARS)
            .optional()
    })
}

/// That of an issue as it is.
pub(super) fn of(content: &IssueContent) -> Form {
    let mut form = new();
    for (name, value) in values(content) {
        if let Some(field) = form.fields.iter_mut().find(|field| field.name == name) {
            field.value = value;
        }
    }
    form
}

fn values(content: &IssueContent) -> Vec<(&'static str, String)> {
    let mut values = vec![("subject", content.words.subject.to_string()), ("text", content.words.text.to_string())];
    for translated in TRANSLATED {
        let words = translated.language().and_then(|language| content.translations.get(&language));
        values.push((translated.title, words.map(|words| words.subject.to_string()).unwrap_or_default()));
        values.push((translated.text, words.map(|words| words.text.to_string()).unwrap_or_default()));
    }
    values
}

/// What it says; `None` where something is wrong, which the form says then. What `before` says in languages that the
/// form does not have stays.
pub(super) fn content(form: &mut Form, before: Option<&IssueContent>) -> Option<IssueContent> {
    let words = words(form, "subject", "text");
    let mut translations = before.map(|content| content.translations.clone()).unwrap_or_default();
    let mut complete = true;
    for translated in TRANSLATED {
        let Some(language) = translated.language() else { continue };
        let is_bare = [translated.title, translated.text].iter().all(|name| form.value(name).trim().is_empty());
        if is_bare {
            translations.remove(&language);
            continue;
        }
        match self::words(form, translated.title, translated.text) {
            Some(words) => drop(translations.insert(language, words)),
            None => complete = false,
        }
    }
    Some(IssueContent { words: words?, translations: complete.then_some(translations)? })
}

fn words(form: &mut Form, subject: &'static str, text: &'static str) -> Option<IssueWords> {
    let subject = form.read(subject, IssueSubject::parse);
    let text = form.read(text, |typed| IssueText::parse(&lines(typed)));
    Some(IssueWords { subject: subject?, text: text? })
}

/// Says below each field that differs from what is stored by now what that is.
pub(super) fn compare(form: &mut Form, content: &IssueContent) {
    for (name, stored) in values(content) {
        let field = form.fields.iter_mut().find(|field| field.name == name);
        let Some(field) = field.filter(|field| lines(field.value.trim()) != stored) else { continue };
        field.hint = Some(if stored.is_empty() {
            text("goods-now-empty")
        } else {
            text_with("goods-now", &[("stored", stored.into())])
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Language;
    use std::collections::BTreeMap;

    fn filled(fields: &[(&str, &str)]) -> Form {
        let mut form = new();
        for (name, value) in fields {
            form.fields.iter_mut().find(|field| field.name == *name).unwrap().value = (*value).to_owned();
        }
        form
    }

    #[test]
    fn an_issue_in_one_language_is_whole_or_not_there() {
        let mut form = filled(&[("subject", "Spring"), ("text", "It is\r\nhere."), ("title_ko", "봄")]);
        assert_eq!(content(&mut form, None), None);
        assert!(form.fields.iter().find(|field| field.name == "text_ko").unwrap().error.is_some());
        let mut form = filled(&[("subject", "Spring"), ("text", "It is\r\nhere.")]);
        let written = content(&mut form, None).unwrap();
        assert_eq!((written.words.text.as_str(), written.translations.len()), ("It is\nhere.", 0));
    }

    #[test]
    fn what_is_said_in_other_languages_stays() {
        let words =
            IssueWords { subject: IssueSubject::parse("Frühling").unwrap(), text: IssueText::parse("Tee").unwrap() };
        let before = IssueContent {
            words: words.clone(),
            translations: BTreeMap::from([
                (Language::parse("de").unwrap(), words.clone()),
                (Language::parse("ko").unwrap(), words),
            ]),
        };
        let mut form = filled(&[("subject", "Spring"), ("text", "Here.")]);
        let written = content(&mut form, Some(&before)).unwrap();
        assert_eq!(written.translations.keys().map(Language::as_str).collect::<Vec<_>>(), ["de"]);
    }
}
