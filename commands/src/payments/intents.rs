//! What a customer was asked to pay.
//!
//! The same amount of an order is asked for once at a time: whoever presses the button twice, or in two tabs, is led to
//! the same payment. After that was declined, cancelled or too late, it is asked for anew.

use super::open::LONG;
pub use super::open::under_way;
use super::{LEASE, MAX_ATTEMPTS, again_at, earlier, later, look_at, shortened};
use crate::db;
use crate::shop::begun;
use chrono::{DateTime, Utc};
use domain::Money;
use domain::ids::OrderId;
use domain::money::{Currency, MoneyError};
use sqlx::types::Decimal;
use sqlx::{Connection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// How long asking may take: a few short statements in one transaction.
const ASK_AT_MOST: Duration = Duration::from_secs(5);

/// How a payment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntentState {
    /// Asked for here; whether the provider knows of it is not known.
    New,
    /// The provider knows of it, and waits for the customer.
    Open,
    /// The customer has agreed, as far as is known, and the money is being taken.
    Settling,
    /// The provider has the money, and does not say yet whether we get it.
    Pending,
    /// It is paid, and the order knows.
    Paid,
    /// The provider refuses it.
    Declined,
    /// The customer does not want it.
    Cancelled,
    /// The customer took too long.
    Expired,
    /// It could not be found out or carried through.
    Failed,
}

impl IntentState {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Settling => "settling",
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        use IntentState::{Cancelled, Declined, Expired, Failed, New, Open, Paid, Pending, Settling};
        [New, Open, Settling, Pending, Paid, Declined, Cancelled, Expired, Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// Whether money may be on its way, so that asking again could take it twice.
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Settling | Self::Pending)
    }
}

/// What a customer was asked to pay.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Random: it stands in addresses.
    pub id: Uuid,
    /// Which order it is for.
    pub order: OrderId,
    /// By which provider.
    pub provider: String,
    /// How much.
    pub amount: Money,
    /// The customer's language.
    pub locale: Option<String>,
    /// How it goes.
    pub state: IntentState,
    /// What the provider knows it by, once it does.
    pub reference: Option<String>,
    /// Where the customer agrees to it.
    pub approve_url: Option<String>,
    /// Why it is as it is, in the provider's words.
    pub reason: Option<String>,
    /// How often it was tried to settle it; while it is pending, how often it was looked at.
    pub attempts: u32,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// Which claim this is: see [`settled`].
    pub fence: i64,
}

impl Intent {
    /// Whether the provider takes longer than it should to make up its mind.
    pub fn is_pending_long(&self, now: DateTime<Utc>) -> bool {
        self.state == IntentState::Pending && now.signed_duration_since(self.created_at) > LONG
    }
}

#[derive(Clone, sqlx::FromRow)]
struct Row {
    id: Uuid,
    order_id: Uuid,
    provider: String,
    amount: Decimal,
    currency: String,
    locale: Option<String>,
    state: String,
    reference: Option<String>,
    approve_url: Option<String>,
    reason: Option<String>,
    attempts: i32,
    created_at: DateTime<Utc>,
    fence: i64,
}

impl TryFrom<Row> for Intent {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let decode = |error: MoneyError| sqlx::Error::Decode(Box::new(error));
        let currency = Currency::parse(&row.currency).map_err(decode)?;
        let state = IntentState::parse(&row.state);
        Ok(Self {
            id: row.id,
            order: OrderId(row.order_id),
            provider: row.provider,
            amount: Money::new(row.amount, currency).map_err(decode)?,
            locale: row.locale,
            state: state.ok_or_else(|| sqlx::Error::Decode("a payment's state is of no known kind".into()))?,
            reference: row.reference,
            approve_url: row.approve_url,
            reason: row.reason,
            attempts: row.attempts.unsigned_abs(),
            created_at: row.created_at,
            fence: row.fence,
        })
    }
}

/// What is read of each row.
macro_rules! columns {
    () => {
        "id, order_id, provider, amount, currency, locale, state, reference, approve_url, reason, attempts, \
         created_at, fence"
    };
}

/// What is to be asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// For which order.
    pub order: OrderId,
    /// By which provider.
    pub provider: &'a str,
    /// How much; more than nothing.
    pub amount: Money,
    /// The customer's language.
    pub locale: &'a str,
    /// How long the customer has to agree.
    pub lasts: Duration,
}

/// Asks for a payment: the one that is under way already, or a new one. While money of this order may be on its way,
/// that is the one, whatever its amount.
pub async fn ask(pool: &PgPool, asked: Asked<'_>, now: DateTime<Utc>) -> Result<Intent, sqlx::Error> {
    let Asked { order, provider, amount, locale, lasts } = asked;
    let row: Row = db::work(pool, ASK_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        // What nobody agreed to in time makes room for another.
        let expire = sqlx::query(
            "UPDATE payment_intents SET state = 'expired', changed_at = $2
              WHERE order_id = $1 AND state IN ('new', 'open') AND expires_at <= $2",
        );
        expire.bind(order.0).bind(now).execute(&mut *transaction).await?;
        let under_way = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM payment_intents WHERE order_id = $1 AND state IN ('settling', 'pending') LIMIT 1"
        ));
        if let Some(row) = under_way.bind(order.0).fetch_optional(&mut *transaction).await? {
            transaction.commit().await?;
            return Ok(row);
        }
        let ask = sqlx::query_as(concat!(
            "INSERT INTO payment_intents
                 (id, order_id, provider, amount, currency, locale, state, expires_at, created_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'new', $7, $8, $8)
             ON CONFLICT (order_id, provider, amount, currency) WHERE state IN ('new', 'open')
             DO UPDATE SET locale = excluded.locale
             RETURNING ",
            columns!()
        ));
        let ask = ask
            .bind(Uuid::new_v4())
            .bind(order.0)
            .bind(provider)
            .bind(amount.amount())
            .bind(amount.currency().code())
            .bind(locale)
            .bind(later(now, lasts))
            .bind(now);
        let row = ask.fetch_one(&mut *transaction).await?;
        begun::payment(&mut transaction, order.0, now).await?;
        transaction.commit().await?;
        Ok::<Row, sqlx::Error>(row)
    })
    .await?;
    row.try_into()
}

/// Notes what the provider knows the payment by. A notice may have come before: then its state stays.
pub async fn opened(
    pool: &PgPool,
    id: Uuid,
    reference: &str,
    approve_url: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let opened = sqlx::query(
        "UPDATE payment_intents
            SET reference = $2, approve_url = $3, changed_at = $4,
                state = CASE state WHEN 'new' THEN 'open' ELSE state END
          WHERE id = $1",
    );
    let opened = opened.bind(id).bind(reference).bind(approve_url).bind(now);
    db::ask(pool, async |session| opened.execute(session).await).await.map(drop)
}

/// Notes that the customer has agreed, as far as is known: from now on it is tried to settle it, also by others should
/// this process end. One that is pending is looked at. Not for one that is at its end, nor while another is at it.
pub async fn to_settle(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<Option<Intent>, sqlx::Error> {
    let settle = sqlx::query_as(concat!(
        "UPDATE payment_intents
            SET state = CASE state WHEN 'pending' THEN state ELSE 'settling' END,
                attempts = CASE state WHEN 'settling' THEN attempts + 1 WHEN 'pending' THEN attempts ELSE 1 END,
                fence = fence + 1, due_at = $3, changed_at = $2
          WHERE id = $1 AND reference IS NOT NULL
            AND (state IN ('open', 'cancelled', 'expired', 'failed')
                 OR state = 'settling' AND due_at <= $2
                 -- Whoever claims one changes it: so it is nobody's, and was not looked at just now.
                 OR state = 'pending' AND changed_at <= $4)
         RETURNING ",
        columns!()
    ));
    let unclaimed = earlier(now, LEASE);
    let settle = settle.bind(id).bind(now).bind(later(now, LEASE)).bind(unclaimed);
    let row: Option<Row> = db::ask(pool, async |session| settle.fetch_optional(session).await).await?;
    row.map(Intent::try_from).transpose()
}

/// Claims payments that are to be settled, or are pending, and are due.
pub async fn claim(pool: &PgPool, most: u32, now: DateTime<Utc>) -> Result<Vec<Intent>, sqlx::Error> {
    let claim = sqlx::query_as(concat!(
        "UPDATE payment_intents SET attempts = attempts + 1, fence = fence + 1, due_at = $2, changed_at = $1
          WHERE id = ANY(ARRAY(
             SELECT id FROM payment_intents WHERE state IN ('settling', 'pending') AND due_at <= $1
              ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED))
         RETURNING ",
        columns!()
    ));
    let claim = claim.bind(now).bind(later(now, LEASE)).bind(i64::from(most));
    let rows: Vec<Row> = db::ask(pool, async |session| claim.fetch_all(session).await).await?;
    rows.into_iter().map(Intent::try_from).collect()
}

/// Sets how a payment goes, as the provider tells it of its own accord. What is paid stays so.
pub async fn told(
    pool: &PgPool,
    id: Uuid,
    state: IntentState,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    set(pool, Change { id, state, reason, looks: 0, fence: None }, now).await.map(drop)
}

/// Sets what came of a claim, and says whether it was taken down. It is not, once the lease is over and another has
/// claimed the payment, or the provider has told how it goes: what they found is newer. That it is paid is taken down
/// whoever says so.
pub async fn settled(
    pool: &PgPool,
    claimed: &Intent,
    state: IntentState,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let looks = if claimed.state == IntentState::Pending { claimed.attempts } else { 0 };
    let fence = (state != IntentState::Paid).then_some(claimed.fence);
    set(pool, Change { id: claimed.id, state, reason, looks, fence }, now).await
}

struct Change<'a> {
    id: Uuid,
    state: IntentState,
    reason: Option<&'a str>,
    /// How often it was looked at while it was pending.
    looks: u32,
    /// Which claim this is of, where only that may say so.
    fence: Option<i64>,
}

/// What would be open, while the same was asked for anew, is not wanted.
async fn set(pool: &PgPool, change: Change<'_>, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let Change { id, state, reason, looks, fence } = change;
    let set = sqlx::query(
        "UPDATE payment_intents AS intent
            SET state = CASE WHEN $2 = 'open' AND EXISTS (
                    SELECT FROM payment_intents AS other
                     WHERE other.order_id = intent.order_id AND other.provider = intent.provider
                       AND other.amount = intent.amount AND other.currency = intent.currency
                       AND other.id <> intent.id AND other.state IN ('new', 'open'))
                THEN 'cancelled' ELSE $2 END,
                reason = $3, changed_at = $4, fence = fence + 1,
                due_at = CASE $2 WHEN 'pending' THEN $5 ELSE 'infinity'::timestamptz END,
                attempts = CASE $2 WHEN 'pending' THEN $6 ELSE attempts END
          WHERE id = $1 AND state <> 'paid' AND ($7::bigint IS NULL OR fence = $7)",
    );
    let set = set.bind(id).bind(state.as_str()).bind(reason.map(shortened)).bind(now);
    let set = set.bind(look_at(now, looks)).bind(i32::try_from(looks).unwrap_or(i32::MAX)).bind(fence);
    Ok(db::ask(pool, async |session| set.execute(session).await).await?.rows_affected() == 1)
}

/// The customer does not want it. Only while nothing was taken.
pub async fn cancelled(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let cancel = sqlx::query(
        "UPDATE payment_intents SET state = 'cancelled', changed_at = $2 WHERE id = $1 AND state IN ('new', 'open')",
    );
    let cancel = cancel.bind(id).bind(now);
    db::ask(pool, async |session| cancel.execute(session).await).await.map(drop)
}

/// What could not be settled this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is tried again.
    Again,
    /// It was tried [`MAX_ATTEMPTS`] times: a person has to look at it.
    GivenUp,
}

/// A claimed payment could not be settled this time: it is tried again later, or given up after [`MAX_ATTEMPTS`]. One
/// that is pending is never given up. Nothing is taken down once the lease is over, and another has claimed it.
pub async fn not_settled(
    pool: &PgPool,
    claimed: &Intent,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Next, sqlx::Error> {
    let is_pending = claimed.state == IntentState::Pending;
    if !is_pending && claimed.attempts >= MAX_ATTEMPTS {
        let is_set = settled(pool, claimed, IntentState::Failed, Some(reason), now).await?;
        return Ok(if is_set { Next::GivenUp } else { Next::Again });
    }
    let again = sqlx::query(
        "UPDATE payment_intents SET reason = $2, due_at = $3, changed_at = $4
          WHERE id = $1 AND state IN ('settling', 'pending') AND fence = $5",
    );
    let due_at = if is_pending { look_at(now, claimed.attempts) } else { again_at(now, claimed.attempts) };
    let again = again.bind(claimed.id).bind(shortened(reason)).bind(due_at).bind(now).bind(claimed.fence);
    db::ask(pool, async |session| again.execute(session).await).await.map(|_| Next::Again)
}

/// A payment by its id.
pub async fn get(pool: &PgPool, id: Uuid) -> Result<Option<Intent>, sqlx::Error> {
    let row: Option<Row> = db::read(pool, async |session| {
        let get = sqlx::query_as(concat!("SELECT ", columns!(), " FROM payment_intents WHERE id = $1"));
        get.bind(id).fetch_optional(session).await
    })
    .await?;
    row.map(Intent::try_from).transpose()
}

/// A payment by what its provider knows it by.
pub async fn of_reference(pool: &PgPool, provider: &str, reference: &str) -> Result<Option<Intent>, sqlx::Error> {
    let row: Option<Row> = db::read(pool, async |session| {
        let get = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM payment_intents WHERE provider = $1 AND reference = $2"
        ));
        get.bind(provider).bind(reference).fetch_optional(session).await
    })
    .await?;
    row.map(Intent::try_from).transpose()
}

/// What an order's customer was asked for last.
pub async fn last_of(pool: &PgPool, order: OrderId) -> Result<Option<Intent>, sqlx::Error> {
    let row: Option<Row> = db::read(pool, async |session| {
        let last = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM payment_intents WHERE order_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1"
        ));
        last.bind(order.0).fetch_optional(session).await
    })
    .await?;
    row.map(Intent::try_from).transpose()
}
