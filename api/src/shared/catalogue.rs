//! The catalogue as it was read of the views, for processes that have not read it themselves.

use super::Shared;
use domain::Position;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const KIND: &str = "catalogue";

/// What was read, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Copy<V> {
    /// The position of the log that it is of.
    pub(crate) position: Position,
    /// When it was read, in milliseconds since 1970.
    pub(crate) read_at_ms: i64,
    pub(crate) value: V,
}

impl Shared {
    /// What another process read, and how many bytes it is. What can't be read here was written by another version, or
    /// by somebody else: it is none.
    pub(crate) async fn copy<V: DeserializeOwned>(&self, name: &str) -> Option<(Copy<V>, usize)> {
        let inner = self.0.as_ref()?;
        let get = |link: &super::Link| {
            let mut get = redis::cmd("GET");
            get.arg(link.key(KIND, name));
            get
        };
        let json: Vec<u8> = inner.ask::<Option<Vec<u8>>>(get).await??;
        let copy = serde_json::from_slice(&json).ok()?;
        Some((copy, json.len()))
    }

    /// Leaves what was read to others, for a while.
    pub(crate) async fn leave_copy(&self, name: &str, json: &[u8], lasts_s: u64) {
        let Some(inner) = &self.0 else { return };
        let set = |link: &super::Link| {
            let mut set = redis::cmd("SET");
            set.arg(link.key(KIND, name)).arg(json).arg("EX").arg(lasts_s);
            set
        };
        let _: Option<()> = inner.ask(set).await;
    }
}
