//! The list as it is worked with behind the counter: filtered, searched by words, counted up to a bound.

use super::reads::{Conditions, Order, OrderPage, conditions, rows};
use super::{Filter, ListKey, OrderList};
use crate::read::{Plan, rows_of};
use crate::{Page, ReadError, Seen, Views};
use domain::ids::{OrderId, OrderNumber};
use domain::text::Email;
use sqlx::FromRow;

/// The most words that are looked for at once.
const MAX_WORDS: usize = 6;
/// What is looked through for words; the index of the same name is on exactly this.
const WORDS: &str = "to_tsvector('simple', first_name || ' ' || last_name || ' ' || email || ' ' \
     || coalesce(address || ' ' || postal_code || ' ' || city, ''))";

/// Which orders to list; all where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desk {
    /// By payment, status and times.
    pub filter: Filter,
    /// Only orders about which a payment provider said what does not fit.
    pub needs_review: bool,
    /// What is looked for.
    pub search: Option<DeskSearch>,
}

/// What somebody behind the counter looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskSearch {
    /// The order of that id.
    Id(OrderId),
    /// The order of that number.
    Number(OrderNumber),
    /// All orders of an address of mail, in whatever case it is written.
    Email(Email),
    /// Orders in whose names and addresses all of these words begin a word.
    Words(Vec<String>),
}

impl DeskSearch {
    /// What a text looks for: an id, a number (with or without `#`), an address of mail, or words. `None` for an empty one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(id) = text.parse() {
            return Some(Self::Id(id));
        }
        if let Ok(number) = text.strip_prefix('#').unwrap_or(text).parse::<u64>()
            && i64::try_from(number).is_ok()
        {
            return Some(Self::Number(OrderNumber(number)));
        }
        if let Ok(email) = Email::parse(text) {
            return Some(Self::Email(email));
        }
        let words: Vec<String> = text.split_whitespace().take(MAX_WORDS).map(|word| word.replace('\0', "")).collect();
        (!words.is_empty()).then_some(Self::Words(words))
    }
}

/// Words as `to_tsquery` reads them: each one quoted, and the beginning of one that is looked for.
fn words_query(words: &[String]) -> String {
    let quoted = |word: &String| format!("'{}':*", word.replace('\\', "\\\\").replace('\'', "''"));
    words.iter().map(quoted).collect::<Vec<_>>().join(" & ")
}

fn desk_conditions(desk: &Desk, after: Option<ListKey>) -> Conditions {
    let mut found = conditions(&desk.filter, after);
    if desk.needs_review {
        found.add("needs_review AND ?", true);
    }
    match &desk.search {
        None => {}
        Some(DeskSearch::Id(id)) => found.add("id = ?", id.0),
        Some(DeskSearch::Number(number)) => found.add("number = ?", number.0.cast_signed()),
        Some(DeskSearch::Email(email)) => found.add("email_key = ?", email.search_key()),
        Some(DeskSearch::Words(words)) => {
            // As an array, which is found first and by its index: walking the list in its order until enough are found is what a
            // plan would rather do, and never ends for words that nobody has.
            let ids = format!("id = ANY(ARRAY(SELECT id FROM @.orders WHERE {WORDS} @@ to_tsquery('simple', ?)))");
            found.add(ids, words_query(words));
        }
    }
    found
}

/// Which index serves best depends on what is looked for.
fn plan(desk: &Desk) -> Plan {
    let ranged = desk.filter.updated_from.is_some() || desk.filter.updated_to.is_some();
    if ranged || desk.search.is_some() { Plan::Fresh } else { Plan::Kept }
}

/// The orders behind `after`, newest first; at most `limit`.
pub async fn desk(
    views: &Views,
    desk: &Desk,
    after: Option<ListKey>,
    limit: u32,
) -> Result<Seen<OrderPage>, ReadError> {
    let rows = rows(views, desk_conditions(desk, after), Order::Recorded, plan(desk), limit).await?;
    Ok(rows.map(|rows| Page::cut(rows, limit, ListKey::of)))
}

#[derive(FromRow)]
struct Counted {
    found: i64,
}

/// How many there are; where there are more than `most`, one more than that.
pub async fn count(views: &Views, desk: &Desk, most: u32) -> Result<Seen<u64>, ReadError> {
    let (conditions, rows) = (desk_conditions(desk, None), most.saturating_add(1));
    let select = |schema: &str| {
        let conditions = conditions.sql(schema);
        format!(
            "SELECT true AS present, count(*) AS found
               FROM (SELECT 1 FROM {schema}.orders{conditions} LIMIT {rows}) AS bounded"
        )
    };
    let seen = views.read::<OrderList>(plan(desk), select, "", |query| conditions.bind_to(query)).await?;
    let found = rows_of::<OrderList, Counted>(&seen.value)?.first().map_or(0, |counted| counted.found.unsigned_abs());
    Ok(seen.map(|_| found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_for_what_it_looks_like() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(DeskSearch::parse(id), Some(DeskSearch::Id(id.parse().unwrap())));
        assert_eq!(DeskSearch::parse(" #12 "), Some(DeskSearch::Number(OrderNumber(12))));
        assert!(matches!(DeskSearch::parse("Ada@Example.com"), Some(DeskSearch::Email(_))));
        let words = |text: &str| match DeskSearch::parse(text) {
            Some(DeskSearch::Words(words)) => words_query(&words),
            other => panic!("{other:?}"),
        };
        assert_eq!(words("ada o'c\\onnor"), "'ada':* & 'o''c\\\\onnor':*");
        assert_eq!(words("99999999999999999999"), "'99999999999999999999':*");
        assert_eq!(DeskSearch::parse("  "), None);
    }
}
