//! How the shop shows a product: one event for each part that is another than it was.

use crate::given::{given, given_no_product, state_after};
use crate::samples::*;
use domain::product::{
    Changes, Command, MAX_CATEGORIES, MAX_TRANSLATIONS, Presentation, Product, ProductAdded, ProductCategorized,
    ProductEvent, ProductFeatured, ProductPictured, ProductShippingChanged, ProductTranslated, ProductUnfeatured,
    Rejection, Words,
};
use domain::{Language, Prices};

fn tea() -> ProductEvent {
    added("TEA", usd("12.50"))
}

fn categorized(slugs: &[&str]) -> ProductEvent {
    ProductCategorized { sku: sku("TEA"), categories: slugs.iter().map(|text| slug(text)).collect() }.into()
}

fn featured() -> ProductEvent {
    ProductFeatured { sku: sku("TEA") }.into()
}

fn shipping(requires_shipping: bool) -> ProductEvent {
    ProductShippingChanged { sku: sku("TEA"), requires_shipping }.into()
}

fn pictured(name: Option<&str>) -> ProductEvent {
    ProductPictured { sku: sku("TEA"), picture: name.map(picture) }.into()
}

fn translated(to: &str, words: Option<Words>) -> ProductEvent {
    ProductTranslated { sku: sku("TEA"), language: language(to), words }.into()
}

fn show(presentation: Presentation) -> Command {
    Command::Change(Changes { presentation, ..Changes::default() })
}

fn in_categories(slugs: &[&str]) -> Presentation {
    Presentation { categories: Some(slugs.iter().map(|text| slug(text)).collect()), ..Presentation::default() }
}

fn in_language(to: &str, words: Option<Words>) -> Presentation {
    Presentation { translations: [(language(to), words)].into(), ..Presentation::default() }
}

fn all() -> Presentation {
    Presentation {
        categories: Some(vec![slug("green"), slug("japan")]),
        featured: Some(true),
        requires_shipping: Some(false),
        picture: Some(Some(picture("tea.svg"))),
        translations: [(language("ko"), Some(words("녹차", None)))].into(),
    }
}

fn all_events() -> [ProductEvent; 5] {
    [
        categorized(&["green", "japan"]),
        featured(),
        shipping(false),
        pictured(Some("tea.svg")),
        translated("ko", Some(words("녹차", None))),
    ]
}

#[test]
fn a_product_is_added_with_all_of_it_at_once() {
    let ProductEvent::ProductAdded(ProductAdded { sku, name, description, price }) = tea() else { unreachable!() };
    given_no_product()
        .when(Command::Add { sku, name, description, price, presentation: all() })
        .then_events([tea()].into_iter().chain(all_events()));
}

#[test]
fn what_is_not_named_and_what_is_so_already_leads_to_nothing() {
    given([tea()]).when(show(Presentation::default())).then_nothing();
    given([tea()]).and(all_events()).when(show(all())).then_nothing();
    given([tea()]).when(show(Presentation { requires_shipping: Some(true), ..Presentation::default() })).then_nothing();
    given([tea()]).when(show(Presentation { featured: Some(false), ..Presentation::default() })).then_nothing();
    given([tea()]).when(show(Presentation { picture: Some(None), ..Presentation::default() })).then_nothing();
    given([tea()]).when(show(in_language("ko", None))).then_nothing();
}

#[test]
fn each_part_changes_by_itself_and_back() {
    given([tea()]).when(show(in_categories(&["a", "b", "a"]))).then_events([categorized(&["a", "b"])]);
    given([tea(), categorized(&["a"])]).when(show(in_categories(&[]))).then_events([categorized(&[])]);
    given([tea(), featured()])
        .when(show(Presentation { featured: Some(false), ..Presentation::default() }))
        .then_events([ProductUnfeatured { sku: sku("TEA") }.into()]);
    given([tea(), shipping(false)])
        .when(show(Presentation { requires_shipping: Some(true), ..Presentation::default() }))
        .then_events([shipping(true)]);
    given([tea(), pictured(Some("a.svg"))])
        .when(show(Presentation { picture: Some(None), ..Presentation::default() }))
        .then_events([pictured(None)]);
    given([tea(), translated("ko", Some(words("녹차", None)))])
        .when(show(in_language("ko", None)))
        .then_events([translated("ko", None)]);
}

#[test]
fn categories_and_languages_are_bounded() {
    let many: Vec<String> = (0..=MAX_CATEGORIES).map(|number| format!("c{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    given([tea()]).when(show(in_categories(&many))).then_rejected(Rejection::TooManyCategories);
    assert_eq!(given([tea()]).when(show(in_categories(&many[1..]))).events().len(), 1);

    let languages: Vec<Language> = (0..=MAX_TRANSLATIONS as u8)
        .map(|n| language(&format!("x{}{}", char::from(b'a' + n / 26), char::from(b'a' + n % 26))))
        .collect();
    let said = |languages: &[Language]| Presentation {
        translations: languages.iter().map(|to| (to.clone(), Some(words("Tea", None)))).collect(),
        ..Presentation::default()
    };
    given([tea()]).when(show(said(&languages))).then_rejected(Rejection::TooManyTranslations);
    let most = given([tea()]).when(show(said(&languages[1..]))).events();
    assert_eq!(most.len(), MAX_TRANSLATIONS);
    let full = || given([tea()]).and(most.clone());
    full().when(show(said(&languages[..1]))).then_rejected(Rejection::TooManyTranslations);
    // One goes, one comes.
    let mut exchanged = said(&languages[..1]);
    exchanged.translations.insert(languages[1].clone(), None);
    assert_eq!(full().when(show(exchanged)).events().len(), 2);
}

#[test]
fn the_state_holds_what_the_events_say() {
    let Product::Listed(listed) = state_after([tea()].iter().chain(&all_events())) else { panic!("it is listed") };
    assert_eq!(listed.categories, [slug("green"), slug("japan")]);
    assert!(listed.featured && !listed.requires_shipping);
    assert_eq!(listed.picture, Some(picture("tea.svg")));
    assert_eq!(listed.translations[&language("ko")], words("녹차", None));
}

#[test]
fn orders_see_whether_a_product_is_sent() {
    let mut prices = Prices::default();
    [tea(), shipping(false)].iter().for_each(|event| prices.apply(&sku("TEA"), event));
    assert!(!prices.listing(&sku("TEA")).unwrap().requires_shipping);
    prices.apply(&sku("TEA"), &shipping(true));
    assert!(prices.listing(&sku("TEA")).unwrap().requires_shipping);
}

#[test]
fn a_language_has_one_spelling() {
    assert_eq!(language("ZH_hant"), language("zh-Hant"));
    for wrong in ["", "und", "e", "123", "zh--Hans", "ko\n", "en_"] {
        assert!(Language::parse(wrong).is_err(), "{wrong:?}");
    }
}
