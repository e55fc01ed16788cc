//! The languages that the shop speaks, on its pages and in its mails, and what it says in each.
//!
//! Texts are [Fluent](https://projectfluent.org) files, embedded in the program: one folder a language, one file a
//! subject. Each subject has the same messages in every language.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use fluent_langneg::NegotiationStrategy;
use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

pub use fluent_bundle::FluentValue;

/// The most languages that are read of what somebody accepts.
const MAX_ACCEPTED: usize = 20;

/// A language of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lang {
    /// English, the shop's own: what has no words in another is said in it.
    En,
    /// Korean.
    Ko,
    /// Chinese, in simplified characters.
    ZhHans,
}

impl Lang {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::En, Self::Ko, Self::ZhHans];

    /// The tag of BCP 47.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
            Self::ZhHans => "zh-Hans",
        }
    }

    /// What its speakers call it.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Ko => "한국어",
            Self::ZhHans => "简体中文",
        }
    }

    /// The language of exactly this tag.
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.tag() == tag)
    }

    /// The best of ours for whoever accepts these: `Accept-Language`'s list (RFC 9110, section 12.5.4), or a single
    /// tag. English where none of ours is among them.
    pub fn accepted(list: &str) -> Self {
        let wanted: Vec<LanguageIdentifier> = in_order(list);
        let best = fluent_langneg::negotiate_languages(&wanted, &IDENTIFIERS[..], None, NegotiationStrategy::Lookup);
        best.first().and_then(|tag| Self::of_tag(&tag.to_string())).unwrap_or(Self::En)
    }

    const fn index(self) -> usize {
        self as usize
    }

    fn identifier(self) -> LanguageIdentifier {
        self.tag().parse().unwrap_or_default()
    }
}

static IDENTIFIERS: LazyLock<[LanguageIdentifier; Lang::ALL.len()]> = LazyLock::new(|| Lang::ALL.map(Lang::identifier));

/// The languages of the list, those that weigh most first, without those that are refused (`q=0`) and what names none.
fn in_order(list: &str) -> Vec<LanguageIdentifier> {
    let weighed = list.split(',').take(MAX_ACCEPTED).filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let identifier = LanguageIdentifier::from_bytes(parts.next()?.as_bytes()).ok()?;
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
        (quality > 0.0 && !identifier.language.is_empty()).then_some((quality, identifier))
    });
    let mut weighed: Vec<_> = weighed.collect();
    // Stable: of equals the first goes first.
    weighed.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    weighed.into_iter().map(|(_, identifier)| identifier).collect()
}

/// The files of some subjects in one language: their texts.
pub type Sources = [&'static str];

/// What is said, in every language.
pub struct Texts([FluentBundle<FluentResource>; Lang::ALL.len()]);

impl Texts {
    /// Reads the files of each language. What can't be read in one is left out, and said so by a test of that file: see
    /// [`faults`].
    pub fn new(sources: impl Fn(Lang) -> &'static Sources) -> Self {
        Self(Lang::ALL.map(|lang| bundle(lang, sources(lang))))
    }

    /// A message that takes no arguments.
    pub fn get(&self, lang: Lang, id: &str) -> String {
        self.say(lang, id, None)
    }

    /// A message with its arguments.
    pub fn with(&self, lang: Lang, id: &str, arguments: &[(&str, FluentValue<'_>)]) -> String {
        let mut named = FluentArgs::with_capacity(arguments.len());
        for (name, value) in arguments {
            named.set(Cow::Owned((*name).to_owned()), value.clone());
        }
        self.say(lang, id, Some(&named))
    }

    /// Whether there is such a message.
    pub fn has(&self, lang: Lang, id: &str) -> bool {
        self.0[lang.index()].get_message(id).is_some_and(|message| message.value().is_some())
    }

    /// The message, in English if need be; where there is none, its id: a page with a strange word is better than none.
    fn say(&self, lang: Lang, id: &str, arguments: Option<&FluentArgs<'_>>) -> String {
        let in_language = |lang: Lang| {
            let bundle = &self.0[lang.index()];
            let pattern = bundle.get_message(id)?.value()?;
            let mut errors = Vec::new();
            let text = bundle.format_pattern(pattern, arguments, &mut errors).into_owned();
            if !errors.is_empty() {
                tracing::error!(id, lang = lang.tag(), ?errors, "a text lacks an argument");
            }
            Some(text)
        };
        in_language(lang).or_else(|| in_language(Lang::En)).unwrap_or_else(|| {
            tracing::error!(id, lang = lang.tag(), "there is no such text");
            id.to_owned()
        })
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

fn bundle(lang: Lang, sources: &Sources) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(vec![lang.identifier()]);
    // The marks of direction around arguments are for texts that mix directions. Ours all run one way, and the marks
    // would stand in what people copy.
    bundle.set_use_isolating(false);
    for source in sources {
        let resource = match FluentResource::try_new((*source).to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        // An id that was there before stays; `faults` names it.
        let _ = bundle.add_resource(resource);
    }
    bundle
}

/// What is wrong with the files: what can't be read, ids that stand twice, messages or arguments that one language has
/// and another has not. For tests; nothing, if all is well.
pub fn faults(sources: impl Fn(Lang) -> &'static Sources) -> Vec<String> {
    let mut faults = Vec::new();
    let english = messages(Lang::En, sources(Lang::En), &mut faults);
    for lang in [Lang::Ko, Lang::ZhHans] {
        let other = messages(lang, sources(lang), &mut faults);
        for (id, arguments) in &english {
            match other.iter().find(|(other, _)| other == id) {
                None => faults.push(format!("{}: {id} is missing", lang.tag())),
                Some((_, others)) if others != arguments => {
                    faults.push(format!("{}: {id} takes {others:?} instead of {arguments:?}", lang.tag()));
                }
                Some(_) => {}
            }
        }
        let unknown = other.iter().filter(|(id, _)| !english.iter().any(|(known, _)| known == id));
        faults.extend(unknown.map(|(id, _)| format!("{}: {id} is not there in English", lang.tag())));
    }
    faults
}

/// The ids of a language's messages, each with the names of its arguments.
fn messages(lang: Lang, sources: &Sources, faults: &mut Vec<String>) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for source in sources {
        if let Err((_, errors)) = FluentResource::try_new((*source).to_owned()) {
            faults.extend(errors.iter().map(|error| format!("{}: {error}", lang.tag())));
        }
        for line in source.lines() {
            let begins = line.starts_with(|first: char| first.is_ascii_alphabetic());
            if let Some((id, _)) = line.split_once('=').filter(|_| begins) {
                let id = id.trim().to_owned();
                if found.iter().any(|(known, _)| *known == id) {
                    faults.push(format!("{}: {id} stands twice", lang.tag()));
                }
                found.push((id, Vec::new()));
            }
            if let Some((_, arguments)) = found.last_mut() {
                for name in line.split('$').skip(1) {
                    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                    let name: String = name.chars().take_while(|c| letter(*c)).collect();
                    if !arguments.contains(&name) {
                        arguments.push(name);
                    }
                    arguments.sort();
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_ours_is_found_among_what_is_accepted() {
        for (accepted, expected) in [
            ("en-GB,en;q=0.9", Lang::En),
            ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Lang::Ko),
            ("zh-CN,zh;q=0.9,en;q=0.8", Lang::ZhHans),
            ("zh-Hans-SG", Lang::ZhHans),
            ("zh", Lang::ZhHans),
            ("zh-Hant-TW,ko;q=0.5", Lang::Ko),
            ("de-DE,de;q=0.9", Lang::En),
            ("de,ko;q=0.3,en;q=0.7", Lang::En),
            ("en;q=0.1,ko;q=0.9", Lang::Ko),
            ("ko;q=0,zh;q=0.1", Lang::ZhHans),
            ("*", Lang::En),
            ("", Lang::En),
            ("q=1;;,,=", Lang::En),
        ] {
            assert_eq!(Lang::accepted(accepted), expected, "{accepted}");
        }
    }

    fn sources(lang: Lang) -> &'static Sources {
        match lang {
            Lang::En => {
                &["plain = Tea\n", "items = { $count ->\n    [one] one item\n   *[other] { $count } items\n }\n"]
            }
            Lang::Ko => &["plain = 차\n", "items = 상품 { $count }개\n"],
            Lang::ZhHans => &["plain = 茶\n", "items = { $count } 件商品\n"],
        }
    }

    #[test]
    fn a_text_is_said_in_each_language_with_its_plural() {
        let texts = Texts::new(sources);
        assert_eq!(texts.get(Lang::ZhHans, "plain"), "茶");
        let items = |lang, count: u32| texts.with(lang, "items", &[("count", count.into())]);
        assert_eq!((items(Lang::En, 1).as_str(), items(Lang::En, 2).as_str()), ("one item", "2 items"));
        assert_eq!(items(Lang::Ko, 3), "상품 3개");
        assert_eq!(texts.get(Lang::Ko, "unknown"), "unknown");
        assert_eq!(faults(sources), Vec::<String>::new());
    }

    #[test]
    fn languages_that_do_not_agree_are_found() {
        let found = faults(|lang| match lang {
            Lang::En => &["a = A { $x }\nb = B\n"],
            Lang::Ko => &["a = A { $y }\nb = B\nb = B\n"],
            Lang::ZhHans => &["a = { $x\nc = C\n"],
        });
        for fault in
            ["ko: a takes", "ko: b stands twice", "zh-Hans: b is missing", "zh-Hans: c is not there in English"]
        {
            assert!(found.iter().any(|found| found.starts_with(fault)), "{fault} in {found:?}");
        }
    }
}
