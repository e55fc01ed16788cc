//! What staff pages say: in English alone. To add a subject: its file in `api/texts/staff`, and a line in the list
//! below.

use consumers::language::{FluentValue, Lang, Sources, Texts};
use std::sync::LazyLock;

macro_rules! subjects {
    [$($subject:literal),+ $(,)?] => {
        const SOURCES: &Sources = &[$(include_str!(concat!("../../texts/staff/", $subject, ".ftl"))),+];
    };
}

subjects![
    "frame",
    "accounts",
    "analytics",
    "dashboard",
    "orders",
    "goods",
    "products",
    "categories",
    "newsletters",
    "members",
    "schedule",
    "counter",
    "console"
];

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::new(|_| SOURCES));

/// A text.
pub(crate) fn text(id: &str) -> String {
    TEXTS.get(Lang::En, id)
}

/// A text with arguments.
pub(crate) fn text_with(id: &str, arguments: &[(&str, FluentValue<'_>)]) -> String {
    TEXTS.with(Lang::En, id, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_texts_can_be_read_and_none_stands_twice() {
        assert_eq!(consumers::language::faults(|_| SOURCES), Vec::<String>::new());
    }

    /// Templates name texts and files by words that no compiler checks.
    #[test]
    fn the_templates_name_texts_and_files_that_are_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/admin");
        let mut checked = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let template = fs::read_to_string(&path).unwrap();
            for call in ["page.t(\"", "page.t1(\""] {
                for id in template.split(call).skip(1).filter_map(|rest| rest.split('"').next()) {
                    assert!(TEXTS.has(Lang::En, id), "{}: there is no text {id}", path.display());
                    checked += 1;
                }
            }
            for name in template.split("page.asset(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert_ne!(crate::shop::asset_url(name), "", "{}: there is no file {name}", path.display());
            }
        }
        assert!(checked > 20, "only {checked} texts were found");
    }
}
