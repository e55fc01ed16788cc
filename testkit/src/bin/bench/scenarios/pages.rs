//! The shop's pages, as a visitor with a session and a full cart sees them: alone, and over 16 connections.
//!
//! What counts is the time on the server, which each answer says (`Server-Timing: total`), so that the load's own share
//! of the two cores is left out where nothing else is asked. At 16 connections a page waits for its turn at the
//! processor, too.

use super::{VIEWS_AT_MOST, rotation};
use crate::bench::Bench;
use crate::fill::{USUAL, Until};
use crate::http::Connection;
use crate::load::{self, Outcome, Plan, Worker};
use crate::report::Figure;
use crate::roles::Served;
use crate::shop::Shop;
use crate::stats::{Latencies, microseconds};
use crate::visitor::Visitor;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 16;
/// Asked on each connection before anything is measured.
const WARM_UP: usize = 20;
const CATEGORIES: usize = 8;
const PRODUCTS: usize = 400;
const FEATURED: usize = 12;
/// Lines of a full cart: more than a visitor fills.
const CART_LINES: usize = 30;
/// Orders in the log besides.
const ORDERS: u64 = 20_000;
/// Orders of the member whose account is shown.
const OWN_ORDERS: usize = 8;
const EMAIL: &str = "ada@example.com";

/// A page, by what it is called in the figures.
struct Page {
    name: &'static str,
    path: String,
    visitor: Arc<Visitor>,
}

/// What came of asking for a page again and again.
#[derive(Default)]
struct Found {
    server_p99: Vec<f64>,
    round_trip_p99: Vec<f64>,
    per_second: Vec<f64>,
    bytes: usize,
}

pub async fn measure(bench: &mut Bench) {
    let (rounds, turn) = (bench.options.rounds(), bench.options.turn() / 2);
    let shop = Shop::open(&bench.postgres(), &bench.orders).await;
    shop.fill(Until::Orders(bench.options.scaled(ORDERS)), USUAL).await;
    let (api, mut projections) = (shop.api().await, shop.projections());
    stock(&shop, &api).await;
    let pages = pages(&shop, &api).await;
    shop.views_caught_up(Instant::now(), VIEWS_AT_MOST).await;
    let mut alone: Vec<Found> = pages.iter().map(|_| Found::default()).collect();
    let mut together: Vec<Found> = pages.iter().map(|_| Found::default()).collect();
    for round in 1..=rounds {
        for nth in rotation(round, pages.len()) {
            for (connections, found) in [(1, &mut alone[nth]), (CONNECTIONS, &mut together[nth])] {
                let plan = Plan { connections, warm_up: Duration::ZERO, measured: turn };
                found.take(round, &pages[nth], connections, ask(&api, &pages[nth], plan).await);
            }
        }
    }
    api.stop().await;
    projections.sigterm();
    projections.wait().await;
    for (page, (alone, together)) in pages.iter().zip(alone.into_iter().zip(together)) {
        tell(bench, page.name, alone, together);
    }
}

fn tell(bench: &mut Bench, page: &str, alone: Found, together: Found) {
    let named = |what: &str| format!("page, {page}: {what}");
    let kilobytes = vec![alone.bytes as f64 / 1e3];
    bench.found(Figure::new("pages", named("on the server, p99"), "ms", alone.server_p99).at_most(10.0));
    bench.found(Figure::new("pages", named("round trip, p99"), "ms", alone.round_trip_p99));
    let over = |what: &str| named(&format!("{CONNECTIONS} connections, {what}"));
    bench.found(Figure::new("pages", over("on the server, p99"), "ms", together.server_p99));
    bench.found(Figure::new("pages", over("round trip, p99"), "ms", together.round_trip_p99));
    bench.found(Figure::new("pages", over("answers"), "pages/s", together.per_second));
    bench.found(Figure::new("pages", named("bytes of the page"), "kB", kilobytes).at_most(50.0));
}

impl Found {
    fn take(&mut self, round: u32, page: &Page, connections: usize, outcome: Outcome<Shown>) {
        let server = Latencies::of(outcome.receipts.iter().map(|shown| shown.server_us).collect());
        let (server_p99, round_trip_p99) = (server.ms(0.99), outcome.latencies.ms(0.99));
        eprintln!(
            "  round {round}, {connections:>2} connections, {:<14} {:>6.0} pages/s, on the server p50 {:>6.2} ms, p99 {server_p99:>6.2} ms",
            page.name,
            outcome.per_second(),
            server.ms(0.5),
        );
        self.server_p99.push(server_p99);
        self.round_trip_p99.push(round_trip_p99);
        self.per_second.push(outcome.per_second());
        self.bytes = outcome.receipts.iter().map(|shown| shown.bytes).max().unwrap_or(0);
    }
}

/// What makes the pages' lists long enough.
async fn stock(shop: &Shop, api: &Served) {
    let mut staff = shop.connect(api).await;
    for nth in 0..CATEGORIES {
        let category = json!({ "slug": slug(nth), "name": format!("Category {nth}"), "translations": { "ko": format!("분류 {nth}") } });
        create(&mut staff, "/v1/categories", &category).await;
    }
    for nth in 0..PRODUCTS {
        let product = json!({
            "sku": sku(nth),
            "name": format!("Tea nr. {nth}, 100 g"),
            "description": "Picked in spring and steamed.\nBrew it at 70 °C for two minutes, three times.",
            "price": { "amount": format!("{}.50", 4 + nth % 40), "currency": "USD" },
            "categories": [slug(nth % CATEGORIES)],
            "featured": nth < FEATURED,
        });
        create(&mut staff, "/v1/products", &product).await;
    }
    shop.views_caught_up(Instant::now(), VIEWS_AT_MOST).await;
}

async fn create(staff: &mut Connection, path: &str, body: &Value) {
    let created = staff.post(path, &[], body.to_string().into()).await;
    created.and_then(|answer| answer.is(StatusCode::CREATED)).expect("the catalogue takes it");
}

fn slug(nth: usize) -> String {
    format!("category-{nth}")
}

fn sku(nth: usize) -> String {
    format!("T-{nth:03}")
}

/// The pages, and those who see them.
async fn pages(shop: &Shop, api: &Served) -> Vec<Page> {
    let cart: Vec<String> = (0..CART_LINES).map(sku).collect();
    let mut guest = Visitor::open(api.address).await;
    guest.fill_cart(&cart).await.expect("a cart is filled");
    let mut member = Visitor::open(api.address).await;
    member.join(shop, EMAIL).await.expect("a member joins");
    let mut thanks = String::new();
    for _ in 0..OWN_ORDERS {
        member.fill_cart(&cart[..3]).await.expect("a cart is filled");
        thanks = member.order(EMAIL).await.expect("an order is placed");
    }
    let (guest, member) = (Arc::new(guest), Arc::new(member));
    let of =
        |visitor: &Arc<Visitor>, name, path: &str| Page { name, path: path.to_owned(), visitor: Arc::clone(visitor) };
    vec![
        of(&guest, "home", "/"),
        of(&guest, "category", &format!("/categories/{}/", slug(0))),
        of(&guest, "search", "/products/?q=tea"),
        of(&guest, "product", &format!("/products/{}/", sku(CART_LINES))),
        of(&guest, "cart", "/cart/"),
        of(&guest, "checkout", "/orders/create/"),
        of(&member, "thank-you", &thanks),
        of(&member, "account", "/account/"),
    ]
}

async fn ask(api: &Served, page: &Page, plan: Plan) -> Outcome<Shown> {
    let (address, path, visitor) = (api.address, page.path.clone(), Arc::clone(&page.visitor));
    load::run(plan, move |_| {
        let (path, visitor) = (path.clone(), Arc::clone(&visitor));
        async move {
            let mut looking = Looking { visitor: visitor.again(address).await, path };
            for _ in 0..WARM_UP {
                looking.once().await.expect("a page");
            }
            looking
        }
    })
    .await
    .clean()
}

/// Asks for one page again and again.
struct Looking {
    visitor: Visitor,
    path: String,
}

/// A page, as it came.
struct Shown {
    server_us: u32,
    bytes: usize,
}

impl Worker for Looking {
    type Receipt = Shown;

    async fn once(&mut self) -> Result<Shown, String> {
        let page = self.visitor.get(&self.path).await?;
        if !page.body.trim_ascii_end().ends_with(b"</html>") {
            return Err(format!("{} is no whole page", self.path));
        }
        let total = page.header("server-timing").split("total;dur=").nth(1).and_then(|ms| ms.parse::<f64>().ok());
        let total = total.ok_or_else(|| format!("{} does not say how long it took", self.path))?;
        Ok(Shown { server_us: microseconds(Duration::from_secs_f64(total / 1e3)), bytes: page.body.len() })
    }
}
