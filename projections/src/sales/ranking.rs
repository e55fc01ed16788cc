//! The most sold of a kind, with what all of that kind came to: what is left out can be told too.

use super::Sales;
use super::fold::Kind;
use super::reads::{DayRange, MAX_RANKED};
use crate::read::{Plan, money, rows_of};
use crate::{ReadError, Seen, Views};
use domain::Money;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

/// What is ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Things {
    /// Products, of which pieces are counted.
    Products,
    /// Places, of which orders are counted.
    Cities,
}

/// What it is ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What was placed in the range.
    Placed,
    /// What was paid in the range.
    Paid,
}

/// A thing, and what it came to in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// What people call it; empty for the place of what was sent nowhere.
    pub label: String,
    /// How many pieces or orders.
    pub count: u64,
    /// How much they came to.
    pub revenue: Money,
}

/// What all things of one currency came to, the listed ones too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Together {
    /// How many things there are.
    pub things: u64,
    /// How many pieces or orders.
    pub count: u64,
    /// How much they came to; `None` where that is too large to be held exactly.
    pub revenue: Option<Money>,
}

/// The things of one currency of which anything was placed, or paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    /// Those that brought most, the first of all first. At least one.
    pub listed: Vec<Ranked>,
    /// All.
    pub all: Together,
}

/// The things that brought most in each currency, at most `limit` (and [`MAX_RANKED`]) of each; a currency without any
/// is left out.
pub async fn ranking(
    views: &Views,
    things: Things,
    side: Side,
    range: DayRange,
    limit: u32,
) -> Result<Seen<Vec<Ranking>>, ReadError> {
    let (kind, limit) = (things.kind(), limit.min(MAX_RANKED));
    let select = |schema: &str| select(schema, side, limit);
    let seen = views
        .read::<Sales>(Plan::Fresh, select, "found.currency, found.rank", |query| {
            query.bind(range.from()).bind(range.to()).bind(kind.as_str())
        })
        .await?;
    let rows: Vec<RankedRow> = rows_of::<Sales, _>(&seen.value)?;
    Ok(seen.map(|_| by_currency(rows)))
}

fn select(schema: &str, side: Side, limit: u32) -> String {
    let side = side.as_str();
    format!(
        "SELECT true AS present, ranked.* FROM (
           SELECT summed.*, row_number() OVER (PARTITION BY currency ORDER BY revenue DESC, key) AS rank,
                  count(*) OVER (PARTITION BY currency) AS all_things,
                  (sum(counted) OVER (PARTITION BY currency))::bigint AS all_counted,
                  sum(revenue) OVER (PARTITION BY currency) AS all_revenue
             FROM (SELECT key, currency, (array_agg(label ORDER BY day DESC))[1] AS label,
                          sum({side}_count)::bigint AS counted, sum({side}_revenue) AS revenue
                     FROM {schema}.sold WHERE kind = $3 AND day >= $1 AND day < $2
                    GROUP BY key, currency HAVING sum({side}_count) > 0) AS summed) AS ranked
         WHERE rank <= {limit}"
    )
}

/// Rows in the order of their currencies.
fn by_currency(rows: Vec<RankedRow>) -> Vec<Ranking> {
    let mut rankings: Vec<Ranking> = Vec::new();
    for RankedRow { ranked, all } in rows {
        let currency = |ranking: &Ranking| ranking.listed.first().map(|first| first.revenue.currency());
        match rankings.last_mut() {
            Some(last) if currency(last) == Some(ranked.revenue.currency()) => last.listed.push(ranked),
            _ => rankings.push(Ranking { listed: vec![ranked], all }),
        }
    }
    rankings
}

/// A thing, with what stands in each row of its currency.
struct RankedRow {
    ranked: Ranked,
    all: Together,
}

impl<'r> FromRow<'r, PgRow> for RankedRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let count = |column: &str| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(column)?.unsigned_abs());
        let ranked = Ranked { label: row.try_get("label")?, count: count("counted")?, revenue: money(row, "revenue")? };
        // Each of them fits; their sum need not.
        let revenue = money(row, "all_revenue").ok();
        let all = Together { things: count("all_things")?, count: count("all_counted")?, revenue };
        Ok(Self { ranked, all })
    }
}

impl Things {
    const fn kind(self) -> Kind {
        match self {
            Self::Products => Kind::Product,
            Self::Cities => Kind::City,
        }
    }
}

impl Side {
    /// As the columns are called.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Paid => "paid",
        }
    }
}
