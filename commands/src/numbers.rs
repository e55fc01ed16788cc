//! Order numbers, handed out in blocks: no round trip per order. Gaps are normal.

use crate::db;
use domain::ids::OrderNumber;
use sqlx::PgPool;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The increment of the sequence `order_number_blocks`.
const BLOCK_NUMBERS: u64 = 32;
/// The most blocks fetched at once: an idle shop wastes few numbers on a restart, a busy one asks seldom.
const MAX_BLOCKS: i32 = 64;
/// Running out sooner than this asks for twice as many blocks the next time.
const SOON: Duration = Duration::from_secs(1);

/// Hands out order numbers.
#[derive(Debug)]
pub struct Numbers {
    pool: PgPool,
    stock: Mutex<Stock>,
}

#[derive(Debug)]
struct Stock {
    numbers: VecDeque<std::ops::Range<u64>>,
    blocks: i32,
    fetched_at: Option<Instant>,
}

impl Numbers {
    /// Numbers from the sequence of this database.
    pub fn new(pool: PgPool) -> Self {
        let stock = Stock { numbers: VecDeque::new(), blocks: 1, fetched_at: None };
        Self { pool, stock: Mutex::new(stock) }
    }

    /// The next number.
    pub async fn next(&self) -> Result<OrderNumber, sqlx::Error> {
        // When the database is away, those who wait must not try it one after the other.
        let mut stock = db::within(db::ANSWER_AT_MOST, self.stock.lock()).await?;
        loop {
            if let Some(number) = stock.take() {
                return Ok(OrderNumber(number));
            }
            stock.refill(&self.pool).await?;
        }
    }
}

impl Stock {
    fn take(&mut self) -> Option<u64> {
        let block = self.numbers.front_mut()?;
        let number = block.next();
        if block.is_empty() {
            self.numbers.pop_front();
        }
        number
    }

    async fn refill(&mut self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let soon = self.fetched_at.is_some_and(|at| at.elapsed() < SOON);
        self.blocks = if soon { (self.blocks * 2).min(MAX_BLOCKS) } else { 1 };
        // Taken twice, the first blocks are a gap.
        let firsts: Vec<i64> = db::read(pool, async |session| {
            let take = sqlx::query_scalar("SELECT nextval('order_number_blocks') FROM generate_series(1, $1)");
            take.bind(self.blocks).fetch_all(session).await
        })
        .await?;
        self.fetched_at = Some(Instant::now());
        self.numbers.extend(firsts.into_iter().map(|first| {
            let first = first.unsigned_abs();
            first..first + BLOCK_NUMBERS
        }));
        Ok(())
    }
}
