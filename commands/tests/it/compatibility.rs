//! `postgres-es` loads every aggregate from our table to the state that we have.

use crate::shop::Shop;
use commands::aggregate::{Cqrs, upcasters};
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{AggregateContext, EventStore};
use domain::order::Order;
use domain::product::{self, Product};
use postgres_es::PostgresEventRepository;
use testkit::postgres::Db;

#[tokio::test]
async fn every_order_and_product_loads_to_the_same_state() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    shop.on_product("CUP", product::Command::Withdraw).await.unwrap();
    shop.on_product("CUP", product::Command::Restore).await.unwrap();
    let paid = shop.place("TEA", 2).await;
    shop.add_item(&paid, "CUP", 1).await.unwrap();
    shop.pay(&paid, "a", "30.00").await.unwrap();
    shop.pay(&paid, "b", "3.00").await.unwrap();
    let open = shop.place("CUP", 3).await;

    let repository = || PostgresEventRepository::new(shop.log.pool().clone());
    let orders = PersistedEventStore::<_, Cqrs<Order>>::new_event_store(repository()).with_upcasters(upcasters());
    for id in [paid, open] {
        let mut theirs = orders.load_aggregate(&id).await.unwrap();
        assert_eq!(theirs.aggregate().0, shop.order(&id).await.state);
        assert!(theirs.aggregate().0.placed().is_some());
    }
    let products = PersistedEventStore::<_, Cqrs<Product>>::new_event_store(repository()).with_upcasters(upcasters());
    for sku in ["TEA", "CUP"] {
        let mut theirs = products.load_aggregate(sku).await.unwrap();
        assert_eq!(theirs.aggregate().0, shop.gateway.load::<Product>(sku).await.unwrap().state);
    }
}

/// A plain write by `postgres-es` fails: it knows no position, and the log takes no event without one.
#[tokio::test]
async fn postgres_es_can_not_write_here() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let id = shop.place("TEA", 1).await;
    let repository = PostgresEventRepository::new(shop.log.pool().clone());
    let orders = PersistedEventStore::<_, Cqrs<Order>>::new_event_store(repository);
    let context = orders.load_aggregate(&id).await.unwrap();
    let stored = shop.log.read_stream(domain::AggregateType::Order, &id, 1).await.unwrap();
    let event = match &stored[0].recorded().unwrap().event {
        domain::Event::Order(event) => commands::aggregate::CqrsEvent(event.clone()),
        _ => unreachable!("the stream is an order's"),
    };
    assert!(orders.commit(vec![event], context, Default::default()).await.is_err());
}
