//! Given what happened to products, then the rows of the catalogue.

use crate::history::{Happened, History, added, at, described, product, repriced, restored, usd, withdrawn};
use crate::process::Process;
use domain::product::{
    PictureName, ProductCategorized, ProductEvent, ProductFeatured, ProductPictured, ProductShippingChanged,
    ProductTranslated, ProductUnfeatured, Status, Words,
};
use domain::text::{Description, ProductName};
use domain::{Language, Sku, Slug};
use projections::products::{self, Shelf, Stock};
use testkit::Db;

const NAME: &str = "products";

#[tokio::test]
async fn a_product_is_what_its_events_left() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    history.append(product("TEA", added("TEA", usd("12.50")), at("2026-03-01T10:00:00Z"))).await;
    history.append(product("CUP", added("CUP", usd("8.00")), at("2026-03-01T10:00:00Z"))).await;
    process.catch_up(NAME).await;
    history.append(product("TEA", described("TEA", "Green tea"), at("2026-03-02T10:00:00Z"))).await;
    history.append(product("TEA", repriced("TEA", usd("13.00"), usd("12.50")), at("2026-03-03T10:00:00Z"))).await;
    history.append(product("CUP", withdrawn("CUP"), at("2026-03-04T10:00:00Z"))).await;
    process.catch_up(NAME).await;

    let tea = products::get(&process.views, &Sku::parse("TEA").unwrap()).await.unwrap().value.unwrap();
    assert_eq!((tea.name.as_str(), tea.price, tea.status), ("Green tea", usd("13.00"), Status::Active));
    assert_eq!(
        (tea.version, tea.added_at, tea.updated_at),
        (3, at("2026-03-01T10:00:00Z"), at("2026-03-03T10:00:00Z"))
    );
    let cup = products::get(&process.views, &Sku::parse("CUP").unwrap()).await.unwrap().value.unwrap();
    assert_eq!((cup.status, cup.version), (Status::Withdrawn, 2));
    history.append(product("CUP", restored("CUP"), at("2026-03-05T10:00:00Z"))).await;
    process.catch_up(NAME).await;
    let cup = products::get(&process.views, &Sku::parse("CUP").unwrap()).await.unwrap().value.unwrap();
    assert_eq!((cup.status, cup.version), (Status::Active, 3));
    assert!(products::get(&process.views, &Sku::parse("POT").unwrap()).await.unwrap().value.is_none());
}

#[tokio::test]
async fn fed_twice_they_are_the_same() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    history.append(product("TEA", added("TEA", usd("12.50")), at("2026-03-01T10:00:00Z"))).await;
    history.append(product("TEA", repriced("TEA", usd("13.00"), usd("12.50")), at("2026-03-03T10:00:00Z"))).await;
    history.append(product("TEA", withdrawn("TEA"), at("2026-03-03T10:00:00Z"))).await;
    process.catch_up(NAME).await;
    let table = format!("{}.products", process.active_schema(NAME).await);
    let once = process.rows(&table).await;
    process.rewind(NAME).await;
    process.catch_up(NAME).await;
    assert_eq!(process.rows(&table).await, once);
}

#[tokio::test]
async fn the_list_is_paged_by_sku() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    for sku in ["b", "A", "a-2", "Z", "a"] {
        history.append(product(sku, added(sku, usd("1.00")), at("2026-03-01T10:00:00Z"))).await;
    }
    process.catch_up(NAME).await;
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = products::list(&process.views, after.as_ref(), 2).await.unwrap().value;
        assert!(page.rows.len() <= 2);
        listed.extend(page.rows.into_iter().map(|row| row.sku));
        match page.next {
            Some(sku) => after = Some(Sku::parse(&sku).unwrap()),
            None => break,
        }
    }
    assert_eq!(listed, ["A", "Z", "a", "a-2", "b"]);
}

fn shows(sku: &str, event: impl Into<ProductEvent>) -> Vec<Happened> {
    product(sku, event, at("2026-03-02T10:00:00Z"))
}

fn words(name: &str, description: Option<&str>) -> Words {
    Words {
        name: ProductName::parse(name).unwrap(),
        description: description.map(|text| Description::parse(text).unwrap()),
    }
}

/// Tea and matcha are green, the cup is featured with the tea, and the pot is withdrawn.
async fn a_shop(history: &mut History) {
    for (key, price) in [("TEA", "12.50"), ("CUP", "8.00"), ("MATCHA", "24.00"), ("POT", "30.00")] {
        history.append(product(key, added(key, usd(price)), at("2026-03-01T10:00:00Z"))).await;
    }
    let sku = |key| Sku::parse(key).unwrap();
    let slugs = |texts: &[&str]| texts.iter().map(|text| Slug::parse(text).unwrap()).collect();
    history.append(shows("TEA", ProductCategorized { sku: sku("TEA"), categories: slugs(&["green", "loose"]) })).await;
    history.append(shows("MATCHA", ProductCategorized { sku: sku("MATCHA"), categories: slugs(&["green"]) })).await;
    history.append(shows("POT", ProductCategorized { sku: sku("POT"), categories: slugs(&["green"]) })).await;
    for key in ["TEA", "CUP", "POT"] {
        history.append(shows(key, ProductFeatured { sku: sku(key) })).await;
    }
    history.append(shows("POT", withdrawn("POT"))).await;
    let korean = ProductTranslated {
        sku: sku("TEA"),
        language: Language::parse("ko").unwrap(),
        words: Some(words("센차 녹차", Some("첫물차 100%"))),
    };
    history.append(shows("TEA", korean)).await;
    let pictured = ProductPictured { sku: sku("TEA"), picture: Some(PictureName::parse("tea.svg").unwrap()) };
    history.append(shows("TEA", pictured)).await;
    history.append(shows("CUP", ProductShippingChanged { sku: sku("CUP"), requires_shipping: false })).await;
}

#[tokio::test]
async fn how_it_is_shown_is_what_its_events_left() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    a_shop(&mut history).await;
    process.catch_up(NAME).await;
    let skus = ["TEA", "NONE", "CUP"].map(|key| Sku::parse(key).unwrap());
    let rows = products::of_skus(&process.views, &skus).await.unwrap().value;
    assert_eq!(rows.iter().map(|row| row.sku.as_str()).collect::<Vec<_>>(), ["CUP", "TEA"]);
    let [cup, tea] = &rows[..] else { unreachable!() };
    assert!(!cup.requires_shipping && cup.featured && cup.categories.is_empty());
    assert!(tea.requires_shipping && tea.featured);
    assert_eq!(
        (tea.categories.join(" "), tea.picture.as_deref(), tea.version),
        ("green loose".into(), Some("tea.svg"), 5)
    );
    assert_eq!(tea.translations["ko"].name, "센차 녹차");
    assert_eq!(tea.translations["ko"].description.as_deref(), Some("첫물차 100%"));

    let unset = ProductTranslated { sku: skus[0].clone(), language: Language::parse("ko").unwrap(), words: None };
    history.append(shows("TEA", unset)).await;
    history.append(shows("TEA", ProductUnfeatured { sku: skus[0].clone() })).await;
    process.catch_up(NAME).await;
    let tea = products::get(&process.views, &skus[0]).await.unwrap().value.unwrap();
    assert!(tea.translations.is_empty() && !tea.featured);
    let table = format!("{}.products", process.active_schema(NAME).await);
    let live = process.rows(&table).await;
    process.rebuild(NAME).await.unwrap();
    assert_eq!(process.rows(&format!("{}.products", process.active_schema(NAME).await)).await, live);
}

#[tokio::test]
async fn the_shop_shows_what_is_on_sale_and_fits() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    a_shop(&mut history).await;
    process.catch_up(NAME).await;
    let shown = async |shelf: Shelf<'_>| {
        let page = products::shown(&process.views, &shelf, None, 10).await.unwrap().value;
        page.rows.into_iter().map(|row| row.sku).collect::<Vec<_>>().join(" ")
    };
    let searched = |text| Shelf { search: Some(text), ..Shelf::default() };
    assert_eq!(shown(Shelf::default()).await, "CUP MATCHA TEA");
    assert_eq!(shown(Shelf { featured: true, ..Shelf::default() }).await, "CUP TEA");
    let green = Slug::parse("green").unwrap();
    assert_eq!(shown(Shelf { category: Some(&green), ..Shelf::default() }).await, "MATCHA TEA");
    assert_eq!(shown(Shelf { category: Some(&green), search: Some("the tea"), featured: true }).await, "TEA");
    assert_eq!(shown(searched("녹차")).await, "TEA");
    assert_eq!(shown(searched("100%")).await, "TEA");
    assert_eq!(shown(searched("THE")).await, "CUP MATCHA TEA");
    assert_eq!(shown(searched("the nothing")).await, "");
    assert_eq!(shown(searched("'; DROP TABLE products; --")).await, "");
    assert_eq!(shown(searched("   ")).await, "CUP MATCHA TEA");
    let page = products::shown(&process.views, &Shelf::default(), None, 2).await.unwrap().value;
    let after = Sku::parse(page.next.as_deref().unwrap()).unwrap();
    let rest = products::shown(&process.views, &Shelf::default(), Some(&after), 2).await.unwrap().value;
    assert_eq!((rest.rows.len(), rest.next), (1, None));
}

#[tokio::test]
async fn staff_find_what_is_not_on_sale_too_and_by_its_sku() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    a_shop(&mut history).await;
    history.append(product("CUP", withdrawn("CUP"), at("2026-03-09T10:00:00Z"))).await;
    process.catch_up(NAME).await;
    let found = async |stock: Stock<'_>| {
        let page = products::stock(&process.views, &stock, None, 10).await.unwrap().value;
        page.rows.into_iter().map(|row| row.sku).collect::<Vec<_>>()
    };
    let withdrawn = found(Stock { status: Some(Status::Withdrawn), ..Stock::default() }).await;
    assert!(withdrawn.contains(&"CUP".to_owned()), "{withdrawn:?}");
    let on_sale = found(Stock { status: Some(Status::Active), ..Stock::default() }).await;
    assert_eq!(on_sale, ["MATCHA", "TEA"]);
    assert_eq!(found(Stock { search: Some("atch"), ..Stock::default() }).await, ["MATCHA"]);
    assert_eq!(
        found(Stock { featured: Some(false), status: Some(Status::Active), ..Stock::default() }).await,
        ["MATCHA"]
    );
    let green = Slug::parse("green").unwrap();
    let green = Stock { category: Some(&green), search: Some("THE tea"), ..Stock::default() };
    assert_eq!(found(green).await, ["TEA"]);
    let page = products::stock(&process.views, &Stock::default(), Some(&Sku::parse("CUP").unwrap()), 1).await.unwrap();
    assert_eq!((page.value.rows[0].sku.as_str(), page.value.next.as_deref()), ("MATCHA", Some("MATCHA")));
}
