//! What can become of a category.

use crate::given::{given, given_no_category, state_after};
use crate::samples::*;
use domain::Slug;
use domain::category::{
    Category, CategoryAdded, CategoryEvent, CategoryRemoved, CategoryRenamed, CategoryRestored, CategoryTranslated,
    Changes, Command, Listed, MAX_TRANSLATIONS, Rejection,
};

fn green() -> CategoryEvent {
    CategoryAdded { slug: slug("green"), name: category_name("Green tea") }.into()
}

fn translated(to: &str, name: Option<&str>) -> CategoryEvent {
    CategoryTranslated { slug: slug("green"), language: language(to), name: name.map(category_name) }.into()
}

fn renamed(name: &str) -> CategoryEvent {
    CategoryRenamed { slug: slug("green"), name: category_name(name) }.into()
}

fn removed() -> CategoryEvent {
    CategoryRemoved { slug: slug("green") }.into()
}

fn restored() -> CategoryEvent {
    CategoryRestored { slug: slug("green") }.into()
}

fn add(translations: &[(&str, &str)]) -> Command {
    let translations = translations.iter().map(|(to, name)| (language(to), category_name(name))).collect();
    Command::Add { slug: slug("green"), name: category_name("Green tea"), translations }
}

fn rename(name: &str) -> Command {
    Command::Change(Changes { name: Some(category_name(name)), ..Changes::default() })
}

fn translate(to: &str, name: Option<&str>) -> Command {
    let translations = [(language(to), name.map(category_name))].into();
    Command::Change(Changes { translations, ..Changes::default() })
}

#[test]
fn a_category_is_added_once() {
    given_no_category().when(add(&[])).then_events([green()]);
    given_no_category().when(add(&[("ko", "녹차")])).then_events([green(), translated("ko", Some("녹차"))]);
    given([green()]).when(add(&[])).then_rejected(Rejection::AlreadyExists);
    given([green(), removed()]).when(add(&[])).then_rejected(Rejection::AlreadyExists);
}

#[test]
fn its_names_change() {
    given([green()]).when(rename("Sencha and friends")).then_events([renamed("Sencha and friends")]);
    given([green()]).when(rename("Green tea")).then_nothing();
    given([green()]).when(translate("ko", Some("녹차"))).then_events([translated("ko", Some("녹차"))]);
    given([green(), translated("ko", Some("녹차"))]).when(translate("ko", Some("녹차"))).then_nothing();
    given([green(), translated("ko", Some("녹차"))]).when(translate("ko", None)).then_events([translated("ko", None)]);
    given([green()]).when(translate("ko", None)).then_nothing();
}

#[test]
fn it_is_removed_and_restored() {
    given([green()]).when(Command::Remove).then_events([removed()]);
    given([green(), removed()]).when(Command::Remove).then_nothing();
    given([green(), removed()]).when(Command::Restore).then_events([restored()]);
    given([green()]).when(Command::Restore).then_nothing();
    given([green(), removed()]).when(rename("Greens")).then_events([renamed("Greens")]);
}

#[test]
fn there_is_nothing_to_change_before_it_is_added() {
    for command in [rename("x"), Command::Remove, Command::Restore] {
        given_no_category().when(command).then_rejected(Rejection::NotFound);
    }
}

#[test]
fn its_languages_are_bounded() {
    let tags: Vec<String> = (0..=MAX_TRANSLATIONS as u8)
        .map(|n| format!("x{}{}", char::from(b'a' + n / 26), char::from(b'a' + n % 26)))
        .collect();
    let names: Vec<(&str, &str)> = tags.iter().map(|tag| (tag.as_str(), "Tea")).collect();
    given_no_category().when(add(&names)).then_rejected(Rejection::TooManyTranslations);
    let most = given_no_category().when(add(&names[1..])).events();
    assert_eq!(most.len(), 1 + MAX_TRANSLATIONS);
    given(most).when(translate(&tags[0], Some("Tea"))).then_rejected(Rejection::TooManyTranslations);
}

#[test]
fn the_state_is_what_the_events_say() {
    let history = [green(), renamed("Greens"), translated("ko", Some("녹차")), removed()];
    let listed = Listed {
        slug: slug("green"),
        name: category_name("Greens"),
        translations: [(language("ko"), category_name("녹차"))].into(),
        removed: true,
    };
    assert_eq!(state_after(&history), Category::Listed(listed));
    assert_eq!(state_after(&history[1..]), Category::Absent, "nothing happens to a category that was never added");
}

#[test]
fn a_slug_is_what_a_url_shows() {
    for slug in ["a", "green-tea", "2026", &"x".repeat(60)] {
        assert_eq!(Slug::parse(slug).unwrap().as_str(), slug);
    }
    for wrong in ["", "-a", "a-", "Green", "a b", "ä", "a/b", &"x".repeat(61)] {
        assert!(Slug::parse(wrong).is_err(), "{wrong:?}");
    }
}
