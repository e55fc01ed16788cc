//! The demo's catalogue: a dozen products of the tea shop Leaf & Kettle.

use commands::{Answer, Catalogue, CommandError, Context, Gateway, Log, LogError, Submission};
use domain::Money;
use domain::product::{Command, Presentation, Product, Rejection};
use domain::{Sku, text};
use futures::future::join_all;
use std::sync::Arc;

/// Who adds them, in the events.
const ACTOR: &str = "orders demo";

/// Sku, name, price in USD, description.
const PRODUCTS: [(&str, &str, &str, &str); 12] = [
    (
        "TEA-GREEN",
        "Sencha, first flush",
        "12.00",
        "Steamed the morning it is picked, in Shizuoka: sea breeze, cut grass, a sweet end. 100 g. \
         Brew at 70 °C for a minute, then again.",
    ),
    (
        "TEA-GENMAI",
        "Genmaicha",
        "9.50",
        "Green tea with roasted rice that smells of toast and popcorn. 100 g. \
         The cup for a grey afternoon, and kind to those who find green tea severe.",
    ),
    (
        "TEA-JASMINE",
        "Jasmine pearls",
        "16.80",
        "Young leaves rolled by hand and laid among jasmine blossoms for five nights. 75 g. \
         They unfurl as you watch; good for three pots.",
    ),
    (
        "TEA-MATCHA",
        "Matcha, ceremonial",
        "24.00",
        "Stone-ground in small lots, bright as moss. 30 g. \
         Whisk a teaspoon with a little hot water, and sit down for it.",
    ),
    (
        "TEA-ASSAM",
        "Assam, second flush",
        "10.40",
        "Malty and copper-red, from one garden by the Brahmaputra. 125 g. \
         Takes milk without flinching; the reason to get up.",
    ),
    (
        "TEA-EARLGREY",
        "Earl Grey with real bergamot",
        "11.20",
        "Ceylon leaves and cold-pressed oil of Calabrian bergamot, nothing else. 125 g. \
         Clear, fragrant, not at all like soap.",
    ),
    (
        "TEA-LAPSANG",
        "Lapsang souchong",
        "13.60",
        "Dried over pine fires in the Wuyi mountains. 100 g. \
         A campfire in a cup: people love it or leave the room.",
    ),
    (
        "HERB-MINT",
        "Moroccan mint",
        "7.90",
        "Spearmint, cut and dried within the hour. 60 g. \
         Cool on its own; with a spoon of sugar and some sencha it is what you had in Fez.",
    ),
    (
        "HERB-CHAMOMILE",
        "Chamomile blossoms",
        "8.20",
        "Whole flower heads, no dust, from a farm in Bohemia. 50 g. \
         Apples and hay, and a good night.",
    ),
    (
        "HERB-ROOIBOS",
        "Rooibos, unsmoked",
        "8.60",
        "Red bush from the Cederberg, soft as honey and free of caffeine. 100 g. \
         Can't be brewed too long, even if you forget it.",
    ),
    (
        "CUP",
        "Cup, celadon glaze",
        "18.00",
        "Thrown by hand, thin at the lip, with a ring of grey where the glaze ran. Holds 180 ml. \
         No two are alike; yours will be the one you pick up first.",
    ),
    (
        "KETTLE-POUR",
        "Pouring kettle, 0.9 l",
        "64.00",
        "Brushed steel with a long spout that pours where you look, and a thermometer in the lid. \
         For gas, electric and induction.",
    ),
];

/// Why the demo's catalogue is not there.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A product was refused.
    #[error("the demo product {sku} could not be added: {reason}")]
    Refused {
        /// Its sku.
        sku: &'static str,
        /// Why.
        reason: String,
    },
}

/// Adds the demo's products to a log in which nothing else has happened yet. What a start that was cut off left out is
/// added by the next.
pub async fn stock(gateway: &Gateway, log: &Log, catalogue: &Catalogue) -> Result<(), DemoError> {
    if log.head().await?.0 >= PRODUCTS.len() as u64 {
        return Ok(());
    }
    // At once, so that they are written together.
    let added = join_all(PRODUCTS.iter().map(|product| add(gateway, product))).await;
    added.into_iter().collect::<Result<(), DemoError>>()?;
    Ok(catalogue.refresh().await?)
}

async fn add(
    gateway: &Gateway,
    (sku, name, price, description): &(&'static str, &'static str, &'static str, &'static str),
) -> Result<(), DemoError> {
    let refused = |reason: String| DemoError::Refused { sku, reason };
    let command = command(sku, name, price, description).map_err(refused)?;
    let context = Context {
        actor: ACTOR.to_owned(),
        correlation_id: uuid::Uuid::now_v7().to_string(),
        causation_id: None,
        traceparent: None,
        locale: None,
        occurred_at: chrono::Utc::now(),
    };
    let submission = Submission::<Product> {
        id: (*sku).to_owned(),
        command,
        fresh_id: false,
        expected_version: None,
        context,
        key: None,
        // Nobody reads it.
        answer: Arc::new(|_| Answer { status: 201, location: None, etag: None, body: String::new() }),
        admission: None,
    };
    match gateway.submit(submission).await {
        Ok(_) | Err(CommandError::Rejected { rejection: Rejection::AlreadyExists, .. }) => Ok(()),
        Err(error) => Err(refused(error.to_string())),
    }
}

fn command(sku: &str, name: &str, price: &str, description: &str) -> Result<Command, String> {
    Ok(Command::Add {
        sku: Sku::parse(sku).map_err(|error| error.to_string())?,
        name: text::ProductName::parse(name).map_err(|error| error.to_string())?,
        description: Some(text::Description::parse(description).map_err(|error| error.to_string())?),
        price: Money::parse(price, "USD").map_err(|error| error.to_string())?,
        presentation: Presentation::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_is_one_that_the_domain_takes() {
        for (sku, name, price, description) in PRODUCTS {
            command(sku, name, price, description).unwrap_or_else(|error| panic!("{sku}: {error}"));
        }
    }
}
