//! What pages say. To add a subject: its file in each folder of `api/texts`, and a line in the list below.

use consumers::language::{Lang, Sources, Texts};
use std::sync::LazyLock;

/// Lists the subjects: the files of that name in the folder of each language.
macro_rules! subjects {
    [$($subject:literal),+ $(,)?] => {
        fn sources(lang: Lang) -> &'static Sources {
            match lang {
                Lang::En => &[$(include_str!(concat!("../../texts/en/", $subject, ".ftl"))),+],
                Lang::Ko => &[$(include_str!(concat!("../../texts/ko/", $subject, ".ftl"))),+],
                Lang::ZhHans => &[$(include_str!(concat!("../../texts/zh-Hans/", $subject, ".ftl"))),+],
            }
        }
    };
}

subjects!["frame", "catalogue", "errors", "cart", "checkout", "payment", "live", "members", "newsletter",];

/// The texts of all pages.
pub(super) static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::new(sources));

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_language_says_the_same_things() {
        assert_eq!(consumers::language::faults(sources), Vec::<String>::new());
    }

    /// Templates name texts and files by words that no compiler checks.
    #[test]
    fn the_templates_name_texts_and_files_that_are_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut checked = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // Staff pages have texts of their own.
            if path.is_dir() {
                continue;
            }
            let template = fs::read_to_string(&path).unwrap();
            for call in ["page.t(\"", "page.t1(\""] {
                for id in template.split(call).skip(1).filter_map(|rest| rest.split('"').next()) {
                    assert!(TEXTS.has(Lang::En, id), "{}: there is no text {id}", path.display());
                    checked += 1;
                }
            }
            for name in template.split("page.asset(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert_ne!(super::super::assets::url(name), "", "{}: there is no file {name}", path.display());
            }
        }
        assert!(checked > 20, "only {checked} texts were found");
    }
}
