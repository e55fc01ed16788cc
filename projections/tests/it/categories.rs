//! Given what happened to categories, then the rows of the list.

use crate::history::{History, at, category};
use crate::process::Process;
use domain::category::{CategoryAdded, CategoryRemoved, CategoryRenamed, CategoryRestored, CategoryTranslated};
use domain::text::CategoryName;
use domain::{Language, Slug};
use projections::categories;
use testkit::Db;

const NAME: &str = "categories";

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn name(text: &str) -> CategoryName {
    CategoryName::parse(text).unwrap()
}

fn added(of: &str) -> CategoryAdded {
    CategoryAdded { slug: slug(of), name: name(&format!("The {of}")) }
}

fn translated(of: &str, to: &str, text: Option<&str>) -> CategoryTranslated {
    CategoryTranslated { slug: slug(of), language: Language::parse(to).unwrap(), name: text.map(name) }
}

#[tokio::test]
async fn a_category_is_what_its_events_left() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let (first, later) = (at("2026-03-01T10:00:00Z"), at("2026-03-02T10:00:00Z"));
    history.append(category("herbal", added("herbal"), first)).await;
    history.append(category("green", added("green"), first)).await;
    process.catch_up(NAME).await;
    history.append(category("green", CategoryRenamed { slug: slug("green"), name: name("Greens") }, later)).await;
    history.append(category("green", translated("green", "ko", Some("녹차")), later)).await;
    history.append(category("green", translated("green", "zh-Hans", Some("绿茶")), later)).await;
    history.append(category("green", translated("green", "ko", None), later)).await;
    history.append(category("herbal", CategoryRemoved { slug: slug("herbal") }, later)).await;
    process.catch_up(NAME).await;

    let rows = categories::list(&process.views).await.unwrap().value;
    assert_eq!(rows.iter().map(|row| row.slug.as_str()).collect::<Vec<_>>(), ["green", "herbal"]);
    assert_eq!((rows[0].name.as_str(), rows[0].removed, rows[0].version), ("Greens", false, 5));
    assert_eq!(rows[0].translations, [("zh-Hans".to_owned(), "绿茶".to_owned())].into());
    assert_eq!((rows[0].added_at, rows[0].updated_at), (first, later));
    assert_eq!((rows[1].removed, rows[1].version), (true, 2));

    history.append(category("herbal", CategoryRestored { slug: slug("herbal") }, later)).await;
    process.catch_up(NAME).await;
    assert!(!categories::list(&process.views).await.unwrap().value[1].removed);
}

#[tokio::test]
async fn fed_twice_they_are_the_same() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let time = at("2026-03-01T10:00:00Z");
    history.append(category("green", added("green"), time)).await;
    history.append(category("green", translated("green", "ko", Some("녹차")), time)).await;
    history.append(category("green", CategoryRemoved { slug: slug("green") }, time)).await;
    process.catch_up(NAME).await;
    let table = format!("{}.categories", process.active_schema(NAME).await);
    let once = process.rows(&table).await;
    process.rewind(NAME).await;
    process.catch_up(NAME).await;
    assert_eq!(process.rows(&table).await, once);
}
