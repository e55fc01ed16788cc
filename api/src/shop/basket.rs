//! A cart at today's prices: what the pages and `/v1/cart` show, and what an order would be.

use commands::shop::carts::{Cart, CartLine};
use domain::prices::Listing;
use domain::product::Status;
use domain::{Money, Prices, Quantity, Sku};

/// A cart, priced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Basket {
    /// Its lines, those first that came first.
    pub(crate) lines: Vec<BasketLine>,
    /// What all that can be ordered costs; `None` where that is nothing.
    pub(crate) total: Option<Money>,
    /// Whether any of that has to be sent.
    pub(crate) requires_shipping: bool,
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BasketLine {
    pub(crate) sku: Sku,
    pub(crate) quantity: Quantity,
    /// The product's name in the shop's own language; `None` where there is no such product.
    pub(crate) name: Option<String>,
    /// What it costs, or why it can't be ordered.
    pub(crate) price: Result<Price, Unavailable>,
}

/// What a line costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Price {
    /// One of it.
    pub(crate) unit: Money,
    /// The line.
    pub(crate) line: Money,
}

/// Why something in a cart can't be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// There is no such product.
    Unknown,
    /// It is not on sale any more.
    Withdrawn,
    /// It is sold in another currency than what stands before it.
    OtherCurrency,
    /// It costs more than can be reckoned with.
    TooDear,
}

impl Basket {
    /// A cart at these prices.
    pub(crate) fn of(cart: &Cart, prices: &Prices) -> Self {
        let mut basket = Self { lines: Vec::with_capacity(cart.lines.len()), total: None, requires_shipping: false };
        for line in &cart.lines {
            basket.add(line, prices.listing(&line.sku));
        }
        basket
    }

    fn add(&mut self, CartLine { sku, quantity, .. }: &CartLine, listing: Option<&Listing>) {
        let price = self.price(listing, *quantity);
        if let (Ok(_), Some(listing)) = (price, listing) {
            self.requires_shipping |= listing.requires_shipping;
        }
        let name = listing.map(|listing| listing.name.as_str().to_owned());
        self.lines.push(BasketLine { sku: sku.clone(), quantity: *quantity, name, price });
    }

    /// What a line costs; added to the total.
    fn price(&mut self, listing: Option<&Listing>, quantity: Quantity) -> Result<Price, Unavailable> {
        let listing = listing.ok_or(Unavailable::Unknown)?;
        if listing.status != Status::Active {
            return Err(Unavailable::Withdrawn);
        }
        let (unit, currency) = (listing.price, listing.price.currency());
        let so_far = self.total.unwrap_or(Money::zero(currency));
        if so_far.currency() != currency {
            return Err(Unavailable::OtherCurrency);
        }
        let line = unit.checked_mul(quantity.get()).map_err(|_| Unavailable::TooDear)?;
        self.total = Some(so_far.checked_add(line).map_err(|_| Unavailable::TooDear)?);
        Ok(Price { unit, line })
    }

    /// Whether there is something in it, and all of it can be ordered.
    pub(crate) fn can_be_ordered(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(|line| line.price.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::product::{ProductAdded, ProductEvent, ProductShippingChanged, ProductWithdrawn};
    use domain::text::ProductName;
    use uuid::Uuid;

    fn sku(text: &str) -> Sku {
        Sku::parse(text).unwrap()
    }

    fn usd(amount: &str) -> Money {
        Money::parse(amount, "USD").unwrap()
    }

    fn prices() -> Prices {
        let mut prices = Prices::default();
        let yen = Money::parse("900", "JPY").unwrap();
        for (text, price) in [("TEA", usd("12.50")), ("GUIDE", usd("6")), ("OLD", usd("1")), ("YEN", yen)] {
            let name = ProductName::parse(&format!("The {text}")).unwrap();
            let added = ProductAdded { sku: sku(text), name, description: None, price };
            prices.apply(&sku(text), &ProductEvent::ProductAdded(added));
        }
        prices.apply(&sku("OLD"), &ProductEvent::ProductWithdrawn(ProductWithdrawn { sku: sku("OLD") }));
        let digital = ProductShippingChanged { sku: sku("GUIDE"), requires_shipping: false };
        prices.apply(&sku("GUIDE"), &ProductEvent::ProductShippingChanged(digital));
        prices
    }

    fn basket(lines: &[(&str, u32)]) -> Basket {
        let added_at = chrono::DateTime::UNIX_EPOCH;
        let line = |(text, quantity): &(&str, u32)| CartLine {
            sku: sku(text),
            quantity: Quantity::try_from(*quantity).unwrap(),
            added_at,
        };
        let cart = Cart { content_id: Uuid::nil(), lines: lines.iter().map(line).collect() };
        Basket::of(&cart, &prices())
    }

    #[test]
    fn a_cart_costs_what_the_catalogue_says_today() {
        let basket = basket(&[("TEA", 2), ("GUIDE", 1)]);
        assert_eq!((basket.total, basket.requires_shipping), (Some(usd("31")), true));
        assert_eq!(basket.lines[0].price, Ok(Price { unit: usd("12.50"), line: usd("25") }));
        assert!(basket.can_be_ordered());
    }

    #[test]
    fn what_can_not_be_ordered_is_marked_and_costs_nothing() {
        let basket = basket(&[("OLD", 1), ("GUIDE", 1), ("YEN", 1), ("NONE", 1)]);
        let why: Vec<_> = basket.lines.iter().map(|line| line.price.err()).collect();
        let expected =
            [Some(Unavailable::Withdrawn), None, Some(Unavailable::OtherCurrency), Some(Unavailable::Unknown)];
        assert_eq!(why, expected);
        assert_eq!((basket.total, basket.requires_shipping), (Some(usd("6")), false));
        assert!(!basket.can_be_ordered());
    }

    #[test]
    fn an_empty_cart_can_not_be_ordered() {
        let basket = basket(&[]);
        assert_eq!((basket.total, basket.can_be_ordered()), (None, false));
    }
}
