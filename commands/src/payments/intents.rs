//! What a customer was asked to pay.
//!
//! The same amount of an order is asked for once at a time: whoever presses the button twice, or in two tabs, is led to the
//! same payment. After that was declined, cancelled or too late, it is asked for anew.

use super::{LEASE, MAX_ATTEMPTS, again_at, later, shortened};
use crate::db;
use chrono::{DateTime, Utc};
use domain::Money;
use domain::ids::OrderId;
use domain::money::{Currency, MoneyError};
use sqlx::types::Decimal;
use sqlx::{Connection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// How long asking may take: two short statements in one transaction.
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
    /// How often it was tried to settle it.
    pub attempts: u32,
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
        })
    }
}

/// What is read of each row.
macro_rules! columns {
    () => {
        "id, order_id, provider, amount, currency, locale, state, reference, approve_url, reason, attempts"
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

/// Asks for a payment: the one that is under way already, or a new one. While money of this order may be on its way, that is the
/// one, whatever its amount.
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

/// Notes that the customer has agreed, as far as is known: from now on it is tried to settle it, also by others should this
/// process end. Not for one that is settled already, nor while another is at it.
pub async fn to_settle(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<Option<Intent>, sqlx::Error> {
    let settle = sqlx::query_as(concat!(
        "UPDATE payment_intents
            SET state = 'settling', attempts = CASE state WHEN 'settling' THEN attempts ELSE 0 END + 1,
                due_at = $3, changed_at = $2
          WHERE id = $1 AND reference IS NOT NULL
            AND (state IN ('open', 'cancelled', 'expired', 'failed') OR state = 'settling' AND due_at <= $2)
         RETURNING ",
        columns!()
    ));
    let settle = settle.bind(id).bind(now).bind(later(now, LEASE));
    let row: Option<Row> = db::ask(pool, async |session| settle.fetch_optional(session).await).await?;
    row.map(Intent::try_from).transpose()
}

/// Claims payments that are to be settled and are due.
pub async fn claim(pool: &PgPool, most: u32, now: DateTime<Utc>) -> Result<Vec<Intent>, sqlx::Error> {
    let claim = sqlx::query_as(concat!(
        "UPDATE payment_intents SET attempts = attempts + 1, due_at = $2
          WHERE id = ANY(ARRAY(
             SELECT id FROM payment_intents WHERE state = 'settling' AND due_at <= $1
              ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED))
         RETURNING ",
        columns!()
    ));
    let claim = claim.bind(now).bind(later(now, LEASE)).bind(i64::from(most));
    let rows: Vec<Row> = db::ask(pool, async |session| claim.fetch_all(session).await).await?;
    rows.into_iter().map(Intent::try_from).collect()
}

/// Sets how a payment goes. What is paid stays so; what would be open, while the same was asked for anew, is not wanted.
pub async fn set(
    pool: &PgPool,
    id: Uuid,
    state: IntentState,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let set = sqlx::query(
        "UPDATE payment_intents AS intent
            SET state = CASE WHEN $2 = 'open' AND EXISTS (
                    SELECT FROM payment_intents AS other
                     WHERE other.order_id = intent.order_id AND other.provider = intent.provider
                       AND other.amount = intent.amount AND other.currency = intent.currency
                       AND other.id <> intent.id AND other.state IN ('new', 'open'))
                THEN 'cancelled' ELSE $2 END,
                reason = $3, due_at = 'infinity', changed_at = $4
          WHERE id = $1 AND state <> 'paid'",
    );
    let set = set.bind(id).bind(state.as_str()).bind(reason.map(shortened)).bind(now);
    db::ask(pool, async |session| set.execute(session).await).await.map(drop)
}

/// The customer does not want it. Only while nothing was taken.
pub async fn cancelled(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let cancel = sqlx::query(
        "UPDATE payment_intents SET state = 'cancelled', changed_at = $2 WHERE id = $1 AND state IN ('new', 'open')",
    );
    let cancel = cancel.bind(id).bind(now);
    db::ask(pool, async |session| cancel.execute(session).await).await.map(drop)
}

/// It could not be settled this time: it is tried again later, or given up after [`MAX_ATTEMPTS`].
pub async fn not_settled(pool: &PgPool, intent: &Intent, reason: &str, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    if intent.attempts >= MAX_ATTEMPTS {
        return set(pool, intent.id, IntentState::Failed, Some(reason), now).await;
    }
    let again = sqlx::query(
        "UPDATE payment_intents SET reason = $2, due_at = $3, changed_at = $4 WHERE id = $1 AND state = 'settling'",
    );
    let again = again.bind(intent.id).bind(shortened(reason)).bind(again_at(now, intent.attempts)).bind(now);
    db::ask(pool, async |session| again.execute(session).await).await.map(drop)
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

/// Whether a payment of this order is on its way, as far as anybody can tell: the customer may be agreeing to it just now, the
/// provider has it, or it could not be found out how it ended. Who asks for money meanwhile may ask for it twice.
pub async fn under_way(pool: &PgPool, order: OrderId) -> Result<bool, sqlx::Error> {
    db::read(pool, async |session| {
        let is_under_way = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM payment_intents
              WHERE order_id = $1
                AND (state IN ('settling', 'pending', 'failed') OR state = 'open' AND expires_at > now()))",
        );
        is_under_way.bind(order.0).fetch_one(session).await
    })
    .await
}
