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
/// What is looked through for words; the index of the same name is on exactly this. To PostgreSQL an address of mail is
/// one word: its parts are looked through as well.
const WORDS: &str = "to_tsvector('simple', first_name || ' ' || last_name || ' ' || email || ' ' \
     || replace(email, '@', ' ') || ' ' || coalesce(address || ' ' || postal_code || ' ' || city, ''))";
/// How many orders are gathered before they are put in order, at most.
const MOST_GATHERED: u32 = 10_000;

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
    /// The order of that number, and those in whose names and addresses a word begins with its digits, such as a postal
    /// code.
    Digits(OrderNumber),
    /// All orders of an address of mail, in whatever case it is written.
    Email(Email),
    /// Orders in whose names and addresses all of these words begin a word.
    Words(Vec<String>),
}

impl DeskSearch {
    /// What a text looks for: an id, a number behind `#`, digits, an address of mail, or words. `None` for an empty
    /// one.
    pub fn parse(text: &str) -> Option<Self> {
        // No name has a control character, and PostgreSQL refuses one of them.
        let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let text = text.trim();
        if let Ok(id) = text.parse() {
            return Some(Self::Id(id));
        }
        if let Some(number) = text.strip_prefix('#').and_then(order_number) {
            return Some(Self::Number(number));
        }
        // What is written in another way, such as with zeros in front, is no number to read out.
        if let Some(number) = order_number(text).filter(|number| number.to_string() == text) {
            return Some(Self::Digits(number));
        }
        if let Ok(email) = Email::parse(text) {
            return Some(Self::Email(email));
        }
        let words: Vec<String> = text.split_whitespace().take(MAX_WORDS).map(str::to_owned).collect();
        (!words.is_empty()).then_some(Self::Words(words))
    }

    /// The words that it looks for, as `to_tsquery` reads them.
    fn words(&self) -> Option<String> {
        match self {
            Self::Id(_) | Self::Number(_) | Self::Email(_) => None,
            Self::Digits(number) => Some(words_query(&[number.to_string()])),
            Self::Words(words) => Some(words_query(words)),
        }
    }
}

fn order_number(text: &str) -> Option<OrderNumber> {
    let number = text.parse().ok()?;
    i64::try_from(number).is_ok().then_some(OrderNumber(number))
}

/// Words as `to_tsquery` reads them: each one quoted, and the beginning of one that is looked for.
fn words_query(words: &[String]) -> String {
    let quoted = |word: &String| format!("'{}':*", word.replace('\\', "\\\\").replace('\'', "''"));
    words.iter().map(quoted).collect::<Vec<_>>().join(" & ")
}

/// How orders are found that have certain words.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// As they come; it ends when there are enough of them.
    Counted,
    /// All of them are found first, by their index, and then put in order. Else a plan may walk the list until enough
    /// are found, which never ends for words that nobody has.
    Gathered,
    /// The list is walked in its order, for words that so many have that enough are found soon.
    Walked,
}

fn desk_conditions(desk: &Desk, after: Option<ListKey>, way: Way) -> Conditions {
    let mut found = conditions(&desk.filter, after);
    if desk.needs_review {
        found.add("needs_review AND ?", true);
    }
    match &desk.search {
        None => {}
        Some(DeskSearch::Id(id)) => found.add("id = ?", id.0),
        Some(DeskSearch::Number(number)) => found.add("number = ?", number.0.cast_signed()),
        Some(DeskSearch::Email(email)) => found.add("email_key = ?", email.search_key()),
        Some(search @ (DeskSearch::Digits(_) | DeskSearch::Words(_))) => add_words(&mut found, search, way),
    }
    found
}

fn add_words(found: &mut Conditions, search: &DeskSearch, way: Way) {
    let Some(words) = search.words() else { return };
    let of_number = match search {
        DeskSearch::Digits(number) => Some(found.bind(number.0.cast_signed())),
        _ => None,
    };
    let words = |found: &mut Conditions, condition: &str| found.add(condition, words.clone());
    let matches = format!("{WORDS} @@ to_tsquery('simple', ?)");
    match (way, of_number) {
        (Way::Counted, None) => words(found, &matches),
        (Way::Counted, Some(number)) => words(found, &format!("({matches} OR number = {number})")),
        (Way::Gathered, None) => words(found, &format!("id = ANY(ARRAY(SELECT id FROM @.orders WHERE {matches}))")),
        (Way::Gathered, Some(number)) => {
            let either = format!(
                "id = ANY(ARRAY(SELECT id FROM @.orders WHERE {matches}
                          UNION ALL SELECT id FROM @.orders WHERE number = {number}))"
            );
            words(found, &either);
        }
        // No index knows what is behind `IS TRUE`.
        (Way::Walked, None) => words(found, &format!("({matches}) IS TRUE")),
        (Way::Walked, Some(number)) => words(found, &format!("({matches} OR number = {number}) IS TRUE")),
    }
}

/// Which index serves best depends on what is looked for.
fn plan(desk: &Desk) -> Plan {
    let ranged = desk.filter.updated_from.is_some() || desk.filter.updated_to.is_some();
    if ranged || desk.search.is_some() { Plan::Fresh } else { Plan::Kept }
}

/// A list of which several pages are read, by the way that is short for it: that is looked up once.
#[derive(Debug, Clone)]
pub struct DeskPages {
    desk: Desk,
    way: Way,
}

impl DeskPages {
    /// The list, its way looked up: which one is short depends on how many have the words that are looked for.
    pub async fn open(views: &Views, desk: Desk) -> Result<Self, ReadError> {
        let Some(search) = desk.search.clone().filter(|search| search.words().is_some()) else {
            return Ok(Self { desk, way: Way::Gathered });
        };
        let all = Desk { search: Some(search), ..Desk::default() };
        let many = count(views, &all, MOST_GATHERED).await?.value > u64::from(MOST_GATHERED);
        Ok(Self { desk, way: if many { Way::Walked } else { Way::Gathered } })
    }

    /// The orders behind `after`, newest first; at most `limit`.
    pub async fn read(&self, views: &Views, after: Option<ListKey>, limit: u32) -> Result<Seen<OrderPage>, ReadError> {
        let conditions = desk_conditions(&self.desk, after, self.way);
        let rows = rows(views, conditions, Order::Recorded, plan(&self.desk), limit).await?;
        Ok(rows.map(|rows| Page::cut(rows, limit, ListKey::of)))
    }
}

/// The orders behind `after`, newest first; at most `limit`. Who goes on reading takes [`DeskPages`].
pub async fn desk(
    views: &Views,
    desk: &Desk,
    after: Option<ListKey>,
    limit: u32,
) -> Result<Seen<OrderPage>, ReadError> {
    DeskPages::open(views, desk.clone()).await?.read(views, after, limit).await
}

#[derive(FromRow)]
struct Counted {
    found: i64,
}

/// How many there are; where there are more than `most`, one more than that.
pub async fn count(views: &Views, desk: &Desk, most: u32) -> Result<Seen<u64>, ReadError> {
    let (conditions, rows) = (desk_conditions(desk, None, Way::Counted), most.saturating_add(1));
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
        assert_eq!(DeskSearch::parse("10115"), Some(DeskSearch::Digits(OrderNumber(10_115))));
        assert_eq!(words("01067"), "'01067':*");
        assert_eq!(words("a\0b\u{7f}"), "'a':* & 'b':*");
        for nothing in ["  ", "\0", "\u{85}\0 "] {
            assert_eq!(DeskSearch::parse(nothing), None);
        }
    }
}
