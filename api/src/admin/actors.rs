//! Who did something, as people are called.

use crate::admin::texts::{text, text_with};
use crate::app::App;
use crate::problem::within;
use crate::shop::Fault;
use commands::staff;
use std::collections::HashMap;
use uuid::Uuid;

/// The names of who works behind the counter.
pub(in crate::admin) struct Actors(HashMap<Uuid, String>);

impl Actors {
    /// Of those among these actors.
    pub(in crate::admin) async fn of<'a>(app: &App, actors: impl Iterator<Item = &'a str>) -> Result<Self, Fault> {
        let mut ids: Vec<Uuid> = actors.filter_map(staff::of_actor).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(Self(within(staff::names(app.log.pool(), &ids)).await?))
    }

    /// What an actor of events is called.
    pub(in crate::admin) fn name(&self, actor: &str) -> String {
        if let Some(id) = staff::of_actor(actor) {
            return self.0.get(&id).cloned().unwrap_or_else(|| text("goods-somebody"));
        }
        match actor.parse::<Uuid>() {
            // The end of an id of version 7 is what tells it from others of its day.
            Ok(key) => text_with("goods-api-key", &[("key", key.simple().to_string()[24..].to_owned().into())]),
            Err(_) => actor.to_owned(),
        }
    }
}
