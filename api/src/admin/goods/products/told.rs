//! What happened to a product, in words.

use crate::admin::AdminPage;
use crate::admin::actors::Actors;
use crate::admin::texts::text;
use crate::product_history::Change;
use chrono::{DateTime, Utc};

/// The most that is told; what is older is to be had from `/v1`.
const MAX_TOLD: usize = 100;

/// What is told beside a product.
pub(super) struct History {
    pub(super) prices: Vec<Price>,
    pub(super) events: Vec<Happened>,
}

/// What it cost, since when, and who said so.
pub(super) struct Price {
    pub(super) price: String,
    pub(super) at: DateTime<Utc>,
    pub(super) who: String,
    /// Whether it is the one of today.
    pub(super) current: bool,
}

/// Something else that happened.
pub(super) struct Happened {
    pub(super) words: String,
    pub(super) at: DateTime<Utc>,
    pub(super) who: String,
}

pub(super) fn told(changes: &[Change], actors: &Actors, page: &AdminPage) -> History {
    let priced = changes.iter().filter_map(|change| Some((change, change.price?))).take(MAX_TOLD);
    let prices = priced.enumerate().map(|(index, (change, changed))| Price {
        price: page.money(&changed.price),
        at: change.at,
        who: actors.name(&change.actor),
        current: index == 0,
    });
    let events = changes.iter().take(MAX_TOLD).map(|change| Happened {
        words: words(change.event),
        at: change.at,
        who: actors.name(&change.actor),
    });
    History { prices: prices.collect(), events: events.collect() }
}

fn words(event: &str) -> String {
    text(match event {
        "ProductAdded" => "product-event-added",
        "ProductDescribed" => "product-event-described",
        "ProductRepriced" => "product-event-repriced",
        "ProductWithdrawn" => "product-event-withdrawn",
        "ProductRestored" => "product-event-restored",
        "ProductCategorized" => "product-event-categorized",
        "ProductFeatured" => "product-event-featured",
        "ProductUnfeatured" => "product-event-unfeatured",
        "ProductShippingChanged" => "product-event-shipping",
        "ProductPictured" => "product-event-pictured",
        "ProductTranslated" => "product-event-translated",
        other => return other.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::product::ProductEvent;

    #[test]
    fn every_event_has_words() {
        for event in ProductEvent::TYPES {
            assert_ne!(words(event), *event);
        }
    }
}
