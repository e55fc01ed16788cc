//! What is asked of the list.
//!
//! Newest first means: by the position of the event that placed the order. A range of times bounds the search in the
//! index as well, so that a page in the middle of history is found without walking there: the time at which an event
//! was recorded never runs backwards along the position, and `clock_distance` says how far from it an event may have
//! occurred.

use super::OrderList;
use super::row::{COLUMNS, OrderRow};
use crate::order_list::Status;
use crate::read::{Plan, Sql, rows_of};
use crate::{Page, ReadError, Seen, Views};
use chrono::{DateTime, Utc};
use domain::Position;
use domain::ids::{OrderId, OrderNumber, SubjectId};
use domain::text::Email;
use sqlx::types::Uuid;

/// Which orders to list; all where nothing is said. Ranges of times are `[from, to)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only paid orders, or only those that are not.
    pub paid: Option<bool>,
    /// Only orders of this status.
    pub status: Option<Status>,
    /// Placed at this time or later.
    pub placed_from: Option<DateTime<Utc>>,
    /// Placed before this time.
    pub placed_to: Option<DateTime<Utc>>,
    /// Last changed at this time or later.
    pub updated_from: Option<DateTime<Utc>>,
    /// Last changed before this time.
    pub updated_to: Option<DateTime<Utc>>,
}

/// Where a page ends: of its last order, when the event that placed it was recorded, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListKey {
    /// [`OrderRow::placed_recorded_at`], to the microsecond.
    pub recorded_at: DateTime<Utc>,
    /// [`OrderRow::placed_position`].
    pub position: Position,
}

impl ListKey {
    pub(super) fn of(row: &OrderRow) -> Self {
        Self { recorded_at: row.placed_recorded_at, position: row.placed_position }
    }
}

/// Whose orders a read may show. Each list asks for it, so that none shows more because somebody forgot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's: for the shop itself.
    All,
    /// Those alone whose personal data are this subject's: for a member.
    Of(SubjectId),
}

/// How an order is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// All orders of an address, in whatever case it is written.
    Email(Email),
    /// The order of that number.
    Number(OrderNumber),
}

/// One page of orders, and where the next begins.
pub type OrderPage = Page<OrderRow, ListKey>;

/// The order of that id.
pub async fn get(views: &Views, id: OrderId) -> Result<Seen<Option<OrderRow>>, ReadError> {
    let select = |schema: &str| format!("SELECT true AS present, {COLUMNS} FROM {schema}.orders WHERE id = $1");
    let seen = views.read::<OrderList>(Plan::Kept, select, "", |query| query.bind(id.0)).await?;
    let rows = rows_of::<OrderList, OrderRow>(&seen.value)?;
    Ok(seen.map(|_| rows.into_iter().next()))
}

/// The orders behind `after`, newest first; at most `limit`.
pub async fn list(
    views: &Views,
    whose: Whose,
    filter: &Filter,
    after: Option<ListKey>,
    limit: u32,
) -> Result<Seen<OrderPage>, ReadError> {
    let mut conditions = conditions(filter, after);
    conditions.add_whose(whose);
    // Which index serves a range of changes best depends on how much the range holds.
    let ranged = filter.updated_from.is_some() || filter.updated_to.is_some();
    page(views, conditions, Order::of_list(whose), if ranged { Plan::Fresh } else { Plan::Kept }, limit).await
}

/// The orders of an address, or of a number, behind `after`, newest first; at most `limit`.
pub async fn search(
    views: &Views,
    whose: Whose,
    search: &Search,
    after: Option<ListKey>,
    limit: u32,
) -> Result<Seen<OrderPage>, ReadError> {
    let mut conditions = Conditions::default();
    conditions.add_whose(whose);
    match search {
        Search::Email(email) => conditions.add("email_key = ?", email.search_key()),
        Search::Number(number) => conditions.add("number = ?", number.0.cast_signed()),
    }
    if let Some(key) = after {
        conditions.add("placed_position < ?", key.position.as_i64());
    }
    page(views, conditions, Order::Position, Plan::Kept, limit).await
}

/// The orders whose personal data are this subject's, such as a member's own, behind `after`, newest first; at most
/// `limit`.
pub async fn of_subject(
    views: &Views,
    subject: SubjectId,
    after: Option<Position>,
    limit: u32,
) -> Result<Seen<Page<OrderRow, Position>>, ReadError> {
    let mut conditions = Conditions::default();
    conditions.add_whose(Whose::Of(subject));
    if let Some(position) = after {
        conditions.add("placed_position < ?", position.as_i64());
    }
    let rows = rows(views, conditions, Order::Position, Plan::Kept, limit).await?;
    Ok(rows.map(|rows| Page::cut(rows, limit, |row| row.placed_position)))
}

/// By how much an event's own time was ever ahead of the one at which it was recorded, as a condition says it.
pub(super) const AHEAD: &str = "(SELECT ahead_us * interval '1 microsecond' FROM @.clock_distance)";
/// The same of those behind it.
pub(super) const BEHIND: &str = "(SELECT behind_us * interval '1 microsecond' FROM @.clock_distance)";

/// The conditions of a filter and a key, narrow enough to bound the search in the index.
pub(super) fn conditions(filter: &Filter, after: Option<ListKey>) -> Conditions {
    let mut conditions = Conditions::default();
    if let Some(paid) = filter.paid {
        conditions.add("paid = ?", paid);
    }
    if let Some(status) = filter.status {
        conditions.add("status = ?", status.as_str().to_owned());
    }
    if let Some(from) = filter.placed_from {
        conditions.add(format!("placed_at >= ? AND placed_recorded_at >= ? - {AHEAD}"), from);
    }
    if let Some(to) = filter.placed_to {
        conditions.add(format!("placed_at < ? AND placed_recorded_at < ? + {BEHIND}"), to);
    }
    if let Some(from) = filter.updated_from {
        conditions.add("updated_at >= ?", from);
    }
    if let Some(to) = filter.updated_to {
        // Placed no later than changed.
        conditions.add(format!("updated_at < ? AND placed_recorded_at < ? + {BEHIND}"), to);
    }
    conditions.add_after(after);
    conditions
}

async fn page(
    views: &Views,
    conditions: Conditions,
    order: Order,
    plan: Plan,
    limit: u32,
) -> Result<Seen<OrderPage>, ReadError> {
    Ok(rows(views, conditions, order, plan, limit).await?.map(|rows| Page::cut(rows, limit, ListKey::of)))
}

/// The rows of a page, and one more where there is a next one.
pub(super) async fn rows(
    views: &Views,
    conditions: Conditions,
    order: Order,
    plan: Plan,
    limit: u32,
) -> Result<Seen<Vec<OrderRow>>, ReadError> {
    let rows = limit.saturating_add(1);
    let select = |schema: &str| {
        let conditions = conditions.sql(schema);
        let order = order.of("");
        format!("SELECT true AS present, {COLUMNS} FROM {schema}.orders{conditions} ORDER BY {order} LIMIT {rows}")
    };
    let seen = views.read::<OrderList>(plan, select, &order.of("found."), |query| conditions.bind_to(query)).await?;
    let rows = rows_of::<OrderList, OrderRow>(&seen.value)?;
    Ok(seen.map(|_| rows))
}

/// Two ways to say the same order, each for its own index.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Recorded,
    Position,
}

impl Order {
    /// That of a list. A member's orders are few and have an index of their own.
    pub(super) const fn of_list(whose: Whose) -> Self {
        match whose {
            Whose::All => Self::Recorded,
            Whose::Of(_) => Self::Position,
        }
    }

    pub(super) fn of(self, table: &str) -> String {
        match self {
            Self::Recorded => format!("{table}placed_recorded_at DESC, {table}placed_position DESC"),
            Self::Position => format!("{table}placed_position DESC"),
        }
    }
}

/// Conditions that all hold, and the values in them.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    texts: Vec<String>,
    values: Vec<Value>,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Flag(bool),
    Number(i64),
    Text(String),
    Time(DateTime<Utc>),
    Id(Uuid),
}

impl Conditions {
    /// Adds a condition in which `?` stands for `value` and `@.` for what is in the build's schema.
    pub(super) fn add(&mut self, condition: impl AsRef<str>, value: impl Into<Value>) {
        let parameter = self.bind(value);
        self.texts.push(condition.as_ref().replace('?', &parameter));
    }

    pub(super) fn add_whose(&mut self, whose: Whose) {
        match whose {
            Whose::All => {}
            Whose::Of(subject) => self.add("subject_id = ?", subject.0),
        }
    }

    /// Only what is behind that place of the list.
    pub(super) fn add_after(&mut self, after: Option<ListKey>) {
        if let Some(key) = after {
            let position = self.bind(key.position.as_i64());
            self.add(format!("(placed_recorded_at, placed_position) < (?, {position})"), key.recorded_at);
        }
    }

    /// Adds a value; returns the parameter that stands for it.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        let value = value.into();
        let kind = value.sql_type();
        self.values.push(value);
        format!("${}::{kind}", self.values.len())
    }

    pub(super) fn sql(&self, schema: &str) -> String {
        if self.texts.is_empty() {
            return String::new();
        }
        format!(" WHERE {}", self.texts.join(" AND ").replace("@.", &format!("{schema}.")))
    }

    pub(super) fn bind_to<'q>(&self, query: Sql<'q>) -> Sql<'q> {
        self.values.iter().cloned().fold(query, |query, value| match value {
            Value::Flag(flag) => query.bind(flag),
            Value::Number(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
            Value::Time(time) => query.bind(time),
            Value::Id(id) => query.bind(id),
        })
    }
}

impl Value {
    const fn sql_type(&self) -> &'static str {
        match self {
            Self::Flag(_) => "boolean",
            Self::Number(_) => "bigint",
            Self::Text(_) => "text",
            Self::Time(_) => "timestamptz",
            Self::Id(_) => "uuid",
        }
    }
}

macro_rules! value_from {
    ($($type:ty => $variant:ident),+ $(,)?) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        })+
    };
}
value_from!(bool => Flag, i64 => Number, String => Text, DateTime<Utc> => Time, Uuid => Id);
