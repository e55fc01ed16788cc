//! What several forms have in common.

use crate::admin::form::Form;
use consumers::language::Lang;
use domain::Language;
use std::fmt::Display;

/// The languages in which the shop's own words are translated, with the names of a form's fields for two texts of each.
pub(super) const TRANSLATED: [Translated; 2] = [
    Translated { lang: Lang::Ko, title: "title_ko", text: "text_ko" },
    Translated { lang: Lang::ZhHans, title: "title_zh", text: "text_zh" },
];

/// The fields of one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Translated {
    pub(super) lang: Lang,
    /// A name, or a subject.
    pub(super) title: &'static str,
    /// A description, or a text.
    pub(super) text: &'static str,
}

impl Translated {
    /// As the domain names it.
    pub(super) fn language(self) -> Option<Language> {
        Language::parse(self.lang.tag()).ok()
    }
}

/// What is in a field that may stay empty. The outer `None` is a fault.
pub(super) fn optional<T, E: Display>(
    form: &mut Form,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<Option<T>> {
    if form.value(name).trim().is_empty() { Some(None) } else { form.read(name, parse).map(Some) }
}

/// What somebody typed in several lines, as it is kept: browsers end lines by two characters (HTML, section 4.10.21.4).
pub(super) fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// The version that a form was shown with.
pub(super) fn version(typed: Option<&str>) -> Option<u64> {
    typed.and_then(|text| text.parse().ok())
}
