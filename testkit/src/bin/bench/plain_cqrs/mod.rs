//! The peer: an order service on cqrs-es 0.5, postgres-es 0.5 and axum, put together as their documentation and demo
//! show it. `PostgresCqrs` with one `GenericQuery` over a `PostgresViewRepository`, their tables, sqlx's pool of 20.
//!
//! Nothing is slowed down and nothing is left out that they do; nothing is added that they do not, so it has no API
//! key, no idempotency, no positions and no stream. Prices come from memory, as ours do.

mod order;
mod view;

use crate::options::PeerArgs;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::Utc;
use cqrs_es::Query;
use cqrs_es::persist::{GenericQuery, ViewRepository};
use order::{Catalogue, Checkout, Order, OrderCommand};
use postgres_es::{PostgresCqrs, PostgresViewRepository, postgres_cqrs};
use serde::Serialize;
use sqlx::postgres::PgPoolOptions;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;
use view::OrderView;

/// The tables of their documentation.
pub const TABLES: &str = include_str!("tables.sql");

/// The line that says where it serves.
pub const SERVING: &str = "plain cqrs-es serves";

const POOL_CONNECTIONS: u32 = 20;

type OrderViews = PostgresViewRepository<OrderView, Order>;
type OrderQuery = GenericQuery<OrderViews, OrderView, Order>;

#[derive(Clone)]
struct Service {
    cqrs: Arc<PostgresCqrs<Order>>,
    views: Arc<OrderViews>,
}

/// Serves until it is killed.
pub async fn serve(args: &PeerArgs) {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL is set");
    let pool =
        PgPoolOptions::new().max_connections(POOL_CONNECTIONS).connect(&url).await.expect("the database answers");
    let views = Arc::new(OrderViews::new("order_view", pool.clone()));
    let mut query = OrderQuery::new(Arc::clone(&views));
    query.use_error_handler(Box::new(|error| eprintln!("{error}")));
    let queries: Vec<Box<dyn Query<Order>>> = vec![Box::new(query)];
    let cqrs = Arc::new(postgres_cqrs(pool, queries, Catalogue::default()));
    let router = Router::new()
        .route("/orders", post(place))
        .route("/orders/{order_id}", get(show))
        .with_state(Service { cqrs, views });
    let listener = tokio::net::TcpListener::bind(args.listen).await.expect("the address is free");
    println!("{SERVING} address={}", listener.local_addr().expect("a bound socket"));
    axum::serve(listener, router).await.expect("it serves until it is killed");
}

/// What was ordered, with the id that it got.
#[derive(Serialize)]
struct Accepted {
    id: String,
    #[serde(flatten)]
    checkout: Checkout,
}

async fn place(State(service): State<Service>, uri: Uri, Json(checkout): Json<Checkout>) -> Response {
    let id = Uuid::now_v7().to_string();
    let metadata = HashMap::from([("time".to_owned(), Utc::now().to_rfc3339()), ("uri".to_owned(), uri.to_string())]);
    let command = OrderCommand::Place { order_id: id.clone(), checkout: checkout.clone() };
    match service.cqrs.execute_with_metadata(&id, command, metadata).await {
        Ok(()) => (StatusCode::CREATED, Json(Accepted { id, checkout })).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn show(State(service): State<Service>, Path(order_id): Path<String>) -> Response {
    match service.views.load(&order_id).await {
        Ok(Some(view)) => Json(view).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
