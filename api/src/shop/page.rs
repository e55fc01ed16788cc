//! What all pages have in common, as templates use it.

use super::texts::TEXTS;
use super::{Frame, assets, language, media};
use crate::pictures::Size;
use consumers::language::{FluentValue, Lang};
use consumers::money;
use domain::Money;

/// The frame of one page: the field `page` of every template.
#[derive(Debug, Clone)]
pub struct Page {
    /// The language that it is in.
    pub lang: Lang,
    /// Goes into each form of a visitor who has a session; empty for one who has none, and so has nothing to be robbed
    /// of.
    pub csrf: String,
    /// How many things are in the cart.
    pub cart_count: u32,
    /// The path and query that it was asked for under.
    pub here: String,
    /// What is looked for, where this is a search.
    pub query: String,
    frame: Frame,
}

/// A language that a visitor may choose.
pub struct Choice {
    /// Its tag.
    pub tag: &'static str,
    /// What its speakers call it.
    pub name: &'static str,
    /// Where it is chosen.
    pub url: String,
    /// Whether the page is in it.
    pub current: bool,
}

impl Page {
    /// The frame of a page for a visitor of whom nothing is known.
    pub fn new(frame: Frame, lang: Lang, here: String) -> Self {
        Self { lang, csrf: String::new(), cart_count: 0, here, query: String::new(), frame }
    }

    /// The shop's name.
    pub fn shop_name(&self) -> &str {
        &self.frame.settings().name
    }

    /// A text.
    pub fn t(&self, id: &str) -> String {
        TEXTS.get(self.lang, id)
    }

    /// A text with one argument.
    pub fn t1<'v>(&self, id: &str, name: &str, value: impl Into<FluentValue<'v>>) -> String {
        TEXTS.with(self.lang, id, &[(name, value.into())])
    }

    /// An amount.
    pub fn money(&self, amount: &Money) -> String {
        money::shown(*amount, self.lang)
    }

    /// Where one of our own files is to be had.
    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }

    /// Where a product's picture is to be had, in this size.
    pub(crate) fn picture(&self, name: &str, size: Size) -> String {
        media::url(name, size)
    }

    /// The languages that may be chosen here.
    pub fn choices(&self) -> Vec<Choice> {
        let choice = |lang: Lang| Choice {
            tag: lang.tag(),
            name: lang.own_name(),
            url: language::choice_url(lang, &self.here),
            current: lang == self.lang,
        };
        Lang::ALL.map(choice).into()
    }
}
