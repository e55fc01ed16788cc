//! Telling whether a token is a valid key, without asking the database each time.

use super::keys::known;
use super::token::Prefix;
use super::{Scopes, Token};
use commands::db;
use domain::ids::SubjectId;
use projections::order_list::Whose;
use quick_cache::sync::Cache;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// How long what was read of a key counts: within this time a revoked key is refused everywhere.
const FRESH_FOR: Duration = Duration::from_secs(5);
/// The most keys held in memory.
const MAX_KEYS: usize = 10_000;
/// How many look-ups may run at once: whoever tries out made-up keys must not take the connections of all others.
const MAX_LOOKUPS: usize = 2;

/// A key that was found valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedKey {
    /// Its id.
    pub id: Uuid,
    /// The id as text: what events name as their actor.
    pub actor: String,
    /// What it is for.
    pub scopes: Scopes,
    /// Whose orders it reaches, and whose cart.
    pub whose: Whose,
}

#[derive(Clone, sqlx::FromRow)]
struct Row {
    id: Uuid,
    secret_hash: Vec<u8>,
    scopes: Vec<String>,
    member_id: Option<Uuid>,
}

#[derive(Debug)]
struct Known {
    key: Arc<VerifiedKey>,
    secret_hash: [u8; 32],
    read_at: Instant,
}

/// The keys of the database, those used lately in memory. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    shared: Arc<Shared>,
}

struct Shared {
    pool: PgPool,
    known: Cache<Prefix, Arc<Known>>,
    lookups: Semaphore,
}

impl Keys {
    /// The keys of the database behind `pool`.
    pub fn new(pool: PgPool) -> Self {
        let (known, lookups) = (Cache::new(MAX_KEYS), Semaphore::new(MAX_LOOKUPS));
        Self { shared: Arc::new(Shared { pool, known, lookups }) }
    }

    /// The key of this token, if it is valid: known, its secret right, not revoked, and its member there and not kept
    /// out if it is bound to one.
    pub async fn verify(&self, token: &Token) -> Result<Option<Arc<VerifiedKey>>, sqlx::Error> {
        let known = match self.in_memory(token.prefix()) {
            Some(known) => Some(known),
            None => self.look_up(token.prefix()).await?,
        };
        // In constant time, so that how long a refusal takes tells nothing of the hash.
        Ok(known.filter(|known| bool::from(known.secret_hash.ct_eq(&token.hash()))).map(|known| Arc::clone(&known.key)))
    }

    fn in_memory(&self, prefix: Prefix) -> Option<Arc<Known>> {
        self.shared.known.get(&prefix).filter(|known| known.read_at.elapsed() < FRESH_FOR)
    }

    async fn look_up(&self, prefix: Prefix) -> Result<Option<Arc<Known>>, sqlx::Error> {
        // Never closed, so there is always a permit to wait for.
        let _permit = self.shared.lookups.acquire().await;
        // Whoever waited here may find what the one before has read.
        if let Some(known) = self.in_memory(prefix) {
            return Ok(Some(known));
        }
        let read_at = Instant::now();
        let row: Option<Row> = db::read(&self.shared.pool, async |session| {
            let find = sqlx::query_as(
                "SELECT id, secret_hash, scopes, member_id FROM api_keys
                  WHERE prefix = $1 AND revoked_at IS NULL
                    AND (member_id IS NULL OR EXISTS (
                        SELECT FROM members WHERE members.id = member_id AND members.disabled_at IS NULL))",
            );
            find.bind(prefix.as_str()).fetch_optional(session).await
        })
        .await?;
        let found = row.and_then(|Row { id, secret_hash, scopes, member_id }| {
            let secret_hash = secret_hash.try_into().ok()?;
            let whose = member_id.map_or(Whose::All, |member| Whose::Of(SubjectId(member)));
            let key = Arc::new(VerifiedKey { id, actor: id.to_string(), scopes: known(&scopes), whose });
            Some(Arc::new(Known { key, secret_hash, read_at }))
        });
        match &found {
            Some(known) => self.shared.known.insert(prefix, Arc::clone(known)),
            None => drop(self.shared.known.remove(&prefix)),
        }
        Ok(found)
    }
}
