//! What the mails say. To add a language: a variant of [`Lang`], and its file in `consumers/texts`.

use crate::language::{Lang, Sources, Texts};
use std::sync::LazyLock;

/// The sentences in all languages.
pub(super) static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::new(sources));

fn sources(lang: Lang) -> &'static Sources {
    match lang {
        Lang::En => &[include_str!("../../texts/en/order_mail.ftl")],
        Lang::Ko => &[include_str!("../../texts/ko/order_mail.ftl")],
        Lang::ZhHans => &[include_str!("../../texts/zh-Hans/order_mail.ftl")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_the_same_things() {
        assert_eq!(crate::language::faults(sources), Vec::<String>::new());
    }

    #[test]
    fn the_templates_name_texts_that_are_there() {
        for template in [include_str!("../../templates/order.txt"), include_str!("../../templates/order.html")] {
            for id in template.split("mail.t(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(TEXTS.has(Lang::En, id), "there is no text {id}");
            }
        }
    }
}
