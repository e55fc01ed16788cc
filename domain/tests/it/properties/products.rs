//! The catalogue against the products themselves.

use super::strategies::product_events;
use crate::samples::{added, sku, usd};
use domain::product::{Product, ProductEvent, evolve};
use domain::{Prices, Sku};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

const KEYS: [&str; 3] = ["A", "B", "C"];

fn sku_of(event: &ProductEvent) -> &Sku {
    match event {
        ProductEvent::ProductAdded(event) => &event.sku,
        ProductEvent::ProductDescribed(event) => &event.sku,
        ProductEvent::ProductRepriced(event) => &event.sku,
        ProductEvent::ProductWithdrawn(event) => &event.sku,
        ProductEvent::ProductRestored(event) => &event.sku,
        ProductEvent::ProductCategorized(event) => &event.sku,
        ProductEvent::ProductFeatured(event) => &event.sku,
        ProductEvent::ProductUnfeatured(event) => &event.sku,
        ProductEvent::ProductShippingChanged(event) => &event.sku,
        ProductEvent::ProductPictured(event) => &event.sku,
        ProductEvent::ProductTranslated(event) => &event.sku,
    }
}

fn few_skus() -> impl Strategy<Value = Sku> + Clone {
    prop::sample::select(KEYS.to_vec()).prop_map(sku)
}

fn read(prices: &mut Prices, events: &[ProductEvent]) {
    events.iter().for_each(|event| prices.apply(sku_of(event), event));
}

fn listings(prices: &Prices) -> Vec<Option<domain::prices::Listing>> {
    KEYS.into_iter().map(|key| prices.listing(&sku(key)).cloned()).collect()
}

proptest! {
    #[test]
    fn the_catalogue_agrees_with_every_product(events in vec(product_events(few_skus()), 0..30)) {
        let mut prices = Prices::default();
        read(&mut prices, &events);
        let mut products: BTreeMap<&Sku, Product> = BTreeMap::new();
        for event in &events {
            let product = products.entry(sku_of(event)).or_default();
            *product = evolve(std::mem::take(product), event);
        }
        for (sku, product) in products {
            match (prices.listing(sku), product) {
                (None, Product::Absent) => {}
                (Some(listing), Product::Listed(product)) => {
                    prop_assert_eq!(&listing.name, &product.name);
                    prop_assert_eq!((listing.price, listing.status), (product.price, product.status));
                    prop_assert_eq!(listing.requires_shipping, product.requires_shipping);
                }
                (listing, product) => prop_assert!(false, "{:?} is listed as {:?}", product, listing),
            }
        }
    }

    /// Every product is added before anything else happens to it.
    #[test]
    fn reading_again_from_anywhere_ends_in_the_same_prices(
        events in vec(product_events(few_skus()), 1..30), from in any::<prop::sample::Index>(),
    ) {
        let events: Vec<_> = KEYS.into_iter().map(|key| added(key, usd("1.00"))).chain(events).collect();
        let mut prices = Prices::default();
        read(&mut prices, &events);
        let once = listings(&prices);
        read(&mut prices, &events[events.len() - 1..]);
        prop_assert_eq!(listings(&prices), once.clone(), "the newest again changes nothing");
        read(&mut prices, &events[from.index(events.len())..]);
        prop_assert_eq!(listings(&prices), once);
    }
}
