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
            let decided = match decide(*id).await {
                Ok(decided) => decided,
                // The next ones would fail alike. What was refused before is told all the same.
                Err(failure) => {
                    refused.push(failure.to_string());
                    return Err(Failure::new(refused.join("; ")));
                }
            };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_refused_is_told_also_where_another_fails_behind_it() {
        let each = Each { name: "id", json: false, hint: "look" };
        let decide = async |id| match id {
            1 => Ok(Ok("done".to_owned())),
            2 => Ok(Err("no item 2".to_owned())),
            _ => Err(Failure::new("the database is away")),
        };
        let told = async |ids: &[i64]| each.decide(ids, decide).await.map_err(|failure| failure.to_string());
        assert_eq!(told(&[1]).await, Ok(()));
        assert_eq!(told(&[2, 1]).await, Err("no item 2: look".to_owned()));
        assert_eq!(told(&[1, 2, 3, 1]).await, Err("no item 2; the database is away".to_owned()));
    }
}
