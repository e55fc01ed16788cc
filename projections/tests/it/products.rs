//! Given what happened to products, then the rows of the catalogue.

use crate::history::{History, added, at, described, product, repriced, restored, usd, withdrawn};
use crate::process::Process;
use domain::Sku;
use domain::product::Status;
use projections::products;
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
