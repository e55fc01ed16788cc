//! A decision about several things, each for itself: what is done is told at once, and what could not be at the end.

use super::tell::{json, say};
use crate::roles::Failure;
use serde_json::json as document;

/// What came of one: words that say what is done, or why nothing is.
pub(super) type Decided = Result<String, String>;

/// How it is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Each {
    /// What the number of one is called in JSON.
    pub(super) name: &'static str,
    /// One object for each, a line each.
    pub(super) json: bool,
    /// Where those can be found that it is possible for.
    pub(super) hint: &'static str,
}

impl Each {
    /// Decides about one after the other. Where it was not possible for one, it goes on, and fails at the end.
    pub(super) async fn decide(
        &self,
        ids: &[i64],
        decide: impl AsyncFn(i64) -> Result<Decided, Failure>,
    ) -> Result<(), Failure> {
        let mut refused = Vec::new();
        for id in ids {
            let decided = decide(*id).await?;
            self.tell(*id, &decided)?;
            refused.extend(decided.err());
        }
        if refused.is_empty() { Ok(()) } else { Err(Failure::new(format!("{}: {}", refused.join("; "), self.hint))) }
    }

    fn tell(&self, id: i64, decided: &Decided) -> Result<(), Failure> {
        match decided {
            _ if self.json => {
                let why = decided.as_ref().err();
                say(&json(&document!({ (self.name): id, "done": why.is_none(), "why": why }))?)
            }
            Ok(done) => say(&format!("{done}.\n")),
            Err(_) => Ok(()),
        }
    }
}
