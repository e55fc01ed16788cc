//! Stored shapes of the events of an issue of the newsletter.

use super::{Encoded, Shape, encoded, schema};
use crate::language::Language;
use crate::newsletter::{IssueContent, IssueDrafted, IssueReleased, IssueWords, NewsletterEvent};
use crate::text::{IssueSubject, IssueText};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The versions ever written, of each type the oldest first.
pub(super) const SHAPES: &[Shape<NewsletterEvent>] = &[
    Shape::of(IssueDrafted::TYPE, "1", schema::of::<IssueContentV1<'_>>, |stored| {
        stored.read(|v1: IssueContentV1<'_>| Ok(IssueDrafted { content: IssueContent::from(v1) }))
    }),
    Shape::of(IssueReleased::TYPE, "1", schema::of::<IssueContentV1<'_>>, |stored| {
        stored.read(|v1: IssueContentV1<'_>| Ok(IssueReleased { content: IssueContent::from(v1) }))
    }),
];

pub(super) fn encode(event: &NewsletterEvent) -> Encoded {
    match event {
        NewsletterEvent::IssueDrafted(event) => encoded(IssueDrafted::TYPE, "1", IssueContentV1::from(&event.content)),
        NewsletterEvent::IssueReleased(event) => {
            encoded(IssueReleased::TYPE, "1", IssueContentV1::from(&event.content))
        }
    }
}

/// Version 1 of both.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IssueContentV1<'a> {
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow)]
    translations: Vec<IssueTranslationV1<'a>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IssueTranslationV1<'a> {
    #[serde(borrow)]
    language: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

impl<'a> From<&'a IssueContent> for IssueContentV1<'a> {
    fn from(content: &'a IssueContent) -> Self {
        let translation = |(language, words): (&'a Language, &'a IssueWords)| IssueTranslationV1 {
            language: language.as_str().into(),
            subject: words.subject.as_str().into(),
            text: words.text.as_str().into(),
        };
        Self {
            subject: content.words.subject.as_str().into(),
            text: content.words.text.as_str().into(),
            translations: content.translations.iter().map(translation).collect(),
        }
    }
}

impl From<IssueContentV1<'_>> for IssueContent {
    fn from(stored: IssueContentV1<'_>) -> Self {
        let words = |subject: &str, text: &str| IssueWords {
            subject: IssueSubject::stored(subject),
            text: IssueText::stored(text),
        };
        let translation = |translation: &IssueTranslationV1<'_>| {
            (Language::stored(&translation.language), words(&translation.subject, &translation.text))
        };
        Self {
            words: words(&stored.subject, &stored.text),
            translations: stored.translations.iter().map(translation).collect(),
        }
    }
}
