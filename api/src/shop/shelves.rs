//! The catalogue as pages show it: read of the views, kept in memory, and shared with other processes where there is a
//! Redis.
//!
//! A page shows what this process has heard of: what it appended itself at once, what others did as soon as PostgreSQL
//! tells of it, and what was told while it could not listen after [`LASTS`] at most. Where a view is not as far yet, it
//! is waited for.

use super::Fault;
use super::kept::{Entry, Kept, LASTS};
use super::reads::Reads;
use crate::problem::Problem;
use crate::shared::{Copy, Shared};
use chrono::Utc;
use commands::Log;
use domain::{Position, Sku, Slug};
use projections::categories::{self, Categories, CategoryRow};
use projections::products::{self, ProductRow, Products};
use projections::{Page, Projection, ReadError, Seen, Views};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a view is waited for that is behind a change of the catalogue. As a rule it takes milliseconds.
const VIEW_AT_MOST: Duration = Duration::from_millis(500);
/// What of each kind takes at most.
const MAX_BYTES: u64 = 8 << 20;

/// A page of the products that the shop shows.
pub(super) type Shelf = Page<ProductRow, String>;

/// Which products a list shows. One that is searched for is read each time: nobody else may look for the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Which {
    pub(super) category: Option<Slug>,
    pub(super) featured: bool,
    pub(super) after: Option<Sku>,
    pub(super) limit: u32,
}

/// All categories.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct All;

/// A read of a view.
trait Read: Hash + Eq + Clone + Send + Sync {
    const VIEW: &'static str;
    type Value: Serialize + DeserializeOwned + Send + Sync;

    /// What it is known by to other processes.
    fn name(&self) -> String;

    fn read(&self, views: &Views) -> impl Future<Output = Result<Seen<Self::Value>, ReadError>> + Send;
}

impl Read for All {
    const VIEW: &'static str = Categories::NAME;
    type Value = Vec<CategoryRow>;

    fn name(&self) -> String {
        "categories".to_owned()
    }

    async fn read(&self, views: &Views) -> Result<Seen<Self::Value>, ReadError> {
        categories::list(views).await
    }
}

impl Read for Sku {
    const VIEW: &'static str = Products::NAME;
    type Value = Option<ProductRow>;

    fn name(&self) -> String {
        format!("product:{self}")
    }

    async fn read(&self, views: &Views) -> Result<Seen<Self::Value>, ReadError> {
        products::get(views, self).await
    }
}

impl Read for Which {
    const VIEW: &'static str = Products::NAME;
    type Value = Shelf;

    fn name(&self) -> String {
        // Neither slugs nor skus hold a colon.
        let (category, after) =
            (self.category.as_ref().map_or("", Slug::as_str), self.after.as_ref().map_or("", Sku::as_str));
        format!("list:{category}:{}:{after}:{}", self.featured, self.limit)
    }

    async fn read(&self, views: &Views) -> Result<Seen<Self::Value>, ReadError> {
        let shelf = products::Shelf { category: self.category.as_ref(), search: None, featured: self.featured };
        products::shown(views, &shelf, self.after.as_ref(), self.limit).await
    }
}

/// The catalogue as pages show it.
pub(crate) struct Shelves {
    log: Log,
    views: Views,
    shared: Shared,
    categories: Kept<All, Vec<CategoryRow>>,
    products: Kept<Sku, Option<ProductRow>>,
    lists: Kept<Which, Shelf>,
    /// Up to which change no view was found to come in time.
    unreached: AtomicU64,
}

impl Shelves {
    pub(crate) fn new(log: Log, views: Views, shared: Shared) -> Self {
        Self {
            log,
            views,
            shared,
            categories: Kept::new("categories", 1, MAX_BYTES),
            products: Kept::new("products", 1_000, MAX_BYTES),
            lists: Kept::new("lists", 100, MAX_BYTES),
            unreached: AtomicU64::new(0),
        }
    }

    /// All categories, removed ones too.
    pub(super) async fn categories(&self, reads: &mut Reads) -> Result<Arc<Vec<CategoryRow>>, Fault> {
        self.get(&self.categories, &All, reads).await
    }

    /// A product, withdrawn or not.
    pub(super) async fn product(&self, sku: &Sku, reads: &mut Reads) -> Result<Arc<Option<ProductRow>>, Fault> {
        self.get(&self.products, sku, reads).await
    }

    /// A page of a list.
    pub(super) async fn list(&self, which: &Which, reads: &mut Reads) -> Result<Arc<Shelf>, Fault> {
        self.get(&self.lists, which, reads).await
    }

    async fn get<R: Read>(&self, kept: &Kept<R, R::Value>, key: &R, reads: &mut Reads) -> Result<Arc<R::Value>, Fault> {
        let (started, changed_at) = (Instant::now(), self.log.catalogue_changed_at());
        let outcome = kept.get(key, changed_at, self.read(key, changed_at)).await;
        reads.took += started.elapsed();
        Ok(outcome?)
    }

    /// What another process read, or else what the view has.
    async fn read<R: Read>(&self, key: &R, changed_at: Position) -> Result<Entry<R::Value>, Problem> {
        let name = key.name();
        if let Some(entry) = self.of_another(&name, changed_at).await {
            return Ok(entry);
        }
        let (seen, reached) = self.seen(key, changed_at).await?;
        let copy = Copy { position: seen.position, read_at_ms: Utc::now().timestamp_millis(), value: seen.value };
        let json = serde_json::to_vec(&copy).map_err(|_| Problem::internal())?;
        if !reached {
            return Ok(Entry::behind(copy.value, json.len(), changed_at));
        }
        self.shared.leave_copy(&name, &json, LASTS.as_secs()).await;
        Ok(Entry::new(copy.value, json.len(), copy.position, Duration::ZERO))
    }

    async fn of_another<V: DeserializeOwned>(&self, name: &str, changed_at: Position) -> Option<Entry<V>> {
        let (copy, bytes) = self.shared.copy::<V>(name).await?;
        let age_ms = Utc::now().timestamp_millis().saturating_sub(copy.read_at_ms);
        // The clocks of two machines differ a little.
        let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or_default());
        (copy.position >= changed_at && age < LASTS).then(|| Entry::new(copy.value, bytes, copy.position, age))
    }

    /// Reads a view that holds the change, and says whether it does: it is waited for, once for each change.
    async fn seen<R: Read>(&self, key: &R, changed_at: Position) -> Result<(Seen<R::Value>, bool), Problem> {
        let unreadable = |error| crate::v1::unreadable_view(R::VIEW, error);
        let mut seen = key.read(&self.views).await.map_err(unreadable)?;
        let is_awaited = seen.position < changed_at && self.unreached.load(Ordering::Relaxed) < changed_at.0;
        if is_awaited && self.views.wait_for(R::VIEW, changed_at, VIEW_AT_MOST).await.is_ok() {
            seen = key.read(&self.views).await.map_err(unreadable)?;
        }
        let reached = seen.position >= changed_at;
        if !reached {
            self.unreached.fetch_max(changed_at.0, Ordering::Relaxed);
        }
        Ok((seen, reached))
    }
}
