//! Adding to a cart through the API once, however often it is asked for: the key, the answer and the change are one
//! transaction.

use super::carts::{self, Cart, CartError, CartRef};
use crate::db;
use crate::gateway::Answer;
use crate::idempotency::{self, IdempotencyKey};
use chrono::{DateTime, Utc};
use domain::{Quantity, Sku};
use sqlx::{Connection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// How long it may take, waiting for others of the same cart or key included.
const ADD_AT_MOST: Duration = Duration::from_secs(5);

/// What is to be added.
#[derive(Debug, Clone, Copy)]
pub struct Addition<'a> {
    /// To which cart; none makes one for an API client.
    pub cart: Option<CartRef>,
    /// Which product.
    pub sku: &'a Sku,
    /// How many.
    pub quantity: Quantity,
}

/// An addition that was made, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The answer.
    pub answer: Answer,
    /// Whether it was made before, under the same key.
    pub replayed: bool,
}

/// Why nothing is added.
#[derive(Debug, thiserror::Error)]
pub enum AdditionError {
    /// The cart does not take it, or the database is away.
    #[error(transparent)]
    Cart(#[from] CartError),
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
}

impl From<sqlx::Error> for AdditionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Cart(error.into())
    }
}

/// The addition that was made under this key before, if one was.
pub async fn made(pool: &PgPool, key: &IdempotencyKey) -> Result<Option<Added>, AdditionError> {
    match idempotency::find(pool, key).await? {
        None => Ok(None),
        Some(replay) if replay.request_digest != key.request_digest => Err(AdditionError::KeyReused),
        Some(replay) => Ok(Some(Added { answer: replay.answer, replayed: true })),
    }
}

/// Makes an addition, unless it was made under this key before. `answer` renders the cart as it is then, by its id.
pub async fn make(
    pool: &PgPool,
    key: &IdempotencyKey,
    Addition { cart, sku, quantity }: Addition<'_>,
    now: DateTime<Utc>,
    answer: impl Fn(Uuid, &Cart) -> Answer,
) -> Result<Added, AdditionError> {
    let made_now = db::work(pool, ADD_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        let cart = match cart {
            Some(cart) => cart,
            None => CartRef::Client(carts::create_in(&mut transaction, now).await?),
        };
        carts::add_in(&mut transaction, cart, sku, quantity, now).await?;
        let content = carts::read_in(&mut transaction, cart).await?.ok_or(CartError::NoCart)?;
        let answer = answer(cart.id(), &content);
        // Last: who came with the same key meanwhile waits here, and takes its own change back.
        if !idempotency::keep(&mut transaction, key, &answer).await? {
            transaction.rollback().await?;
            return Ok::<_, AdditionError>(None);
        }
        transaction.commit().await?;
        Ok(Some(answer))
    })
    .await?;
    match made_now {
        Some(answer) => Ok(Added { answer, replayed: false }),
        None => made(pool, key).await?.ok_or_else(|| db::timed_out().into()),
    }
}
