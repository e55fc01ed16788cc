//! Pages of a list: `limit`, and a cursor that belongs to the list and the filters it was given out for.

use super::as_of::AsOfResource;
use crate::http::query::Query;
use crate::problem::{Code, Problem};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Rows of a page where it is not said.
pub(crate) const DEFAULT_LIMIT: u32 = 50;
/// Rows of a page at most.
pub(crate) const MAX_LIMIT: u32 = 200;

/// The first byte of every cursor: a later form gets another.
const FORM: u8 = 1;
/// Bytes of the digest that binds a cursor to its list.
const BOUND_BYTES: usize = 8;

/// One page, as it is asked for.
pub struct PageRequest<'q> {
    /// The most rows.
    pub limit: u32,
    cursor: Option<std::borrow::Cow<'q, str>>,
}

impl<'q> PageRequest<'q> {
    /// Takes `limit` and `cursor` out of a query.
    pub fn of(query: &mut Query<'q>) -> Self {
        let limit = query.number("limit", 1, MAX_LIMIT).unwrap_or(DEFAULT_LIMIT);
        Self { limit, cursor: query.raw("cursor") }
    }

    /// The key behind which the page begins; `None` for the first.
    pub fn after<K: CursorKey>(&self, list: &List) -> Result<Option<K>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        list.open(cursor).map(Some).ok_or_else(|| {
            Problem::new(
                Code::InvalidCursor,
                "A cursor goes with the list and the filters it was given out for. Leave it out to begin anew.",
            )
        })
    }
}

/// A list with its filters, to which its cursors belong.
pub struct List([u8; BOUND_BYTES]);

/// What a list is ordered by.
pub trait CursorKey: Sized {
    /// As it stands in a cursor.
    fn to_bytes(&self) -> Vec<u8>;
    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` for what it never writes, as far as the database would
    /// mind.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl List {
    /// The list of that name, with these filters, written out in full. Where that changes, older cursors end to be
    /// valid.
    pub fn new(name: &'static str, filters: &str) -> Self {
        let digest = Sha256::digest(format!("{name}\n{filters}"));
        let mut bound = [0; BOUND_BYTES];
        bound.copy_from_slice(&digest[..BOUND_BYTES]);
        Self(bound)
    }

    /// The cursor of the page behind `key`.
    pub fn seal<K: CursorKey>(&self, key: &K) -> String {
        let mut bytes = vec![FORM];
        bytes.extend_from_slice(&self.0);
        bytes.extend_from_slice(&key.to_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The key in a cursor; `None` for one that is not of this list.
    pub fn open<K: CursorKey>(&self, cursor: &str) -> Option<K> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let key = bytes.strip_prefix(&[FORM])?.strip_prefix(&self.0)?;
        // Whoever knows the form can make a cursor. What no answer gave is none, so a key has one spelling.
        K::from_bytes(key).filter(|read| read.to_bytes() == key)
    }

    /// A page of what was, as it is answered.
    pub(super) fn page_as_of<T: Serialize, K: CursorKey>(
        &self,
        data: Vec<T>,
        next: Option<&K>,
        as_of: AsOfResource,
    ) -> String {
        let page = PastPageResource { data, next_cursor: next.map(|key| self.seal(key)), as_of: Some(as_of) };
        serde_json::to_string(&page).unwrap_or_default()
    }

    /// A page of rows with ids, as it is answered. A full page may be the last one; the next is empty then.
    pub(super) fn page_of<'r, R, T: Serialize>(
        &self,
        rows: &'r [R],
        limit: u32,
        id: impl Fn(&R) -> i64,
        shown: impl Fn(&'r R) -> T,
    ) -> String {
        let is_full = u32::try_from(rows.len()).is_ok_and(|count| count == limit);
        let next = rows.last().filter(|_| is_full).map(|row| id(row).unsigned_abs());
        self.page(rows.iter().map(shown).collect(), next.as_ref())
    }

    /// The page as it is answered.
    pub(super) fn page<T: Serialize, K: CursorKey>(&self, data: Vec<T>, next: Option<&K>) -> String {
        let page = PageResource { data, next_cursor: next.map(|key| self.seal(key)) };
        serde_json::to_string(&page).unwrap_or_default()
    }
}

/// What a list answers with that can be asked for as it was.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(super) struct PastPageResource<T> {
    data: Vec<T>,
    /// Always there, `null` on the last page, so that a client need not tell a missing member from an older server.
    next_cursor: Option<String>,
    /// Which moment the page is of, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOfResource>,
}

/// What a list answers with.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(super) struct PageResource<T> {
    data: Vec<T>,
    /// Always there, `null` on the last page, so that a client need not tell a missing member from an older server.
    next_cursor: Option<String>,
}

impl CursorKey for u64 {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl CursorKey for domain::Sku {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::parse(std::str::from_utf8(bytes).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_list_and_filters() {
        let paid = List::new("orders", "paid");
        let cursor = paid.seal(&42_u64);
        assert_eq!(paid.open::<u64>(&cursor), Some(42));
        assert_eq!(List::new("orders", "unpaid").open::<u64>(&cursor), None);
        assert_eq!(List::new("products", "paid").open::<u64>(&cursor), None);
        assert_eq!(paid.open::<u64>(&cursor[..cursor.len() - 2]), None);
        assert_eq!(paid.open::<u64>("%%%"), None);
        assert_eq!(paid.open::<u64>(""), None);
    }
}
