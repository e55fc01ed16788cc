//! What the catalogue charges today: the part of every product that deciding an order needs.

use crate::money::Money;
use crate::product::{ProductEvent, Status};
use crate::sku::Sku;
use crate::text::ProductName;
use rpds::HashTrieMapSync;

/// One product as an order sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its name of today; a line keeps the name of its day.
    pub name: ProductName,
    /// Its price of today.
    pub price: Money,
    /// Whether it can be ordered.
    pub status: Status,
    /// Whether it has to be sent to somewhere.
    pub requires_shipping: bool,
}

/// Every product ever added, by sku. A persistent map: a copy costs nothing, an update shares all but its path.
#[derive(Debug, Clone, Default)]
pub struct Prices(HashTrieMapSync<Sku, Listing>);

impl Prices {
    /// The product, withdrawn or not.
    pub fn listing(&self, sku: &Sku) -> Option<&Listing> {
        self.0.get(sku)
    }

    /// How many products there are, withdrawn ones included.
    pub fn len(&self) -> usize {
        self.0.size()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes over what an event of the product `sku` says.
    ///
    /// Events come in the log's order. The newest one again changes nothing; a stretch read again, from anywhere up to
    /// the end, ends in the same prices, but goes through the older ones on its way there. A product is added once: as
    /// in [`product::evolve`](crate::product::evolve), being added again changes nothing.
    pub fn apply(&mut self, sku: &Sku, event: &ProductEvent) {
        let Some(listing) = self.0.get_mut(sku) else {
            if let ProductEvent::ProductAdded(added) = event {
                let (name, price) = (added.name.clone(), added.price);
                let listing = Listing { name, price, status: Status::Active, requires_shipping: true };
                self.0.insert_mut(sku.clone(), listing);
            }
            return;
        };
        match event {
            ProductEvent::ProductAdded(_) => {}
            ProductEvent::ProductDescribed(described) => listing.name = described.name.clone(),
            ProductEvent::ProductRepriced(repriced) => listing.price = repriced.price,
            ProductEvent::ProductWithdrawn(_) => listing.status = Status::Withdrawn,
            ProductEvent::ProductRestored(_) => listing.status = Status::Active,
            ProductEvent::ProductShippingChanged(changed) => listing.requires_shipping = changed.requires_shipping,
            ProductEvent::ProductCategorized(_)
            | ProductEvent::ProductFeatured(_)
            | ProductEvent::ProductUnfeatured(_)
            | ProductEvent::ProductPictured(_)
            | ProductEvent::ProductTranslated(_) => {}
        }
    }
}
