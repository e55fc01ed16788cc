//! Every route below `/admin` and of the console at `/ops`: who is let in, and that nothing but a page of ours changes
//! anything.

use crate::browser::{ACCEPT, FORM};
use crate::goods::pictures::drawing;
use crate::goods::support::{Goods, Staff};
use crate::http_support::{Call, Instance, Reply, ada_buys};
use commands::staff::Role;
use http::Method;
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Who is let in.
#[derive(Debug, Clone, Copy)]
enum Who {
    /// Whoever comes: where one logs in, and what leads on to the path with its slash.
    Open,
    /// Whoever has a session, which it ends.
    Session,
    /// These roles.
    Staff(&'static [Role]),
}

const ALL: Who = Who::Staff(&Role::ALL);
const MANAGERS: Who = Who::Staff(&[Role::Owner, Role::Manager]);
const OWNERS: Who = Who::Staff(&[Role::Owner]);

type Fields = &'static [(&'static str, &'static str)];

const ISSUE: Fields = &[("form", "{form}"), ("version", "1"), ("subject", "Other"), ("text", "Other")];
const COUNTER: Fields = &[
    ("act", "place"),
    ("key", "{form}"),
    ("member", ""),
    ("first_name", "Ada"),
    ("last_name", "Lovelace"),
    ("email", "ada@example.com"),
    ("lang", "en"),
    ("address", "12 St James's Square"),
    ("postal_code", "SW1Y 4JH"),
    ("city", "London"),
    ("sku", "TEA"),
    ("quantity", "1"),
    ("total", "12.50"),
    ("currency", "USD"),
];

/// Every route, with what a form there may hold that is right. One whose actions are not everybody's stands there once
/// for each. `{order}` and the like stand for what there is. A route that is added is added here too: a test below says
/// so.
const ROUTES: &[(&str, &str, Who, Fields)] = &[
    ("GET", "/admin", Who::Open, &[]),
    ("GET", "/admin/", ALL, &[]),
    ("GET", "/admin/login", Who::Open, &[]),
    ("GET", "/admin/login/", Who::Open, &[]),
    ("POST", "/admin/login/", Who::Open, &[("email", "nobody@example.com"), ("password", "none")]),
    ("POST", "/admin/logout/", Who::Session, &[]),
    ("GET", "/admin/password/", Who::Open, &[]),
    ("POST", "/admin/password/", Who::Open, &[("token", "none")]),
    ("GET", "/admin/staff", Who::Open, &[]),
    ("GET", "/admin/staff/", OWNERS, &[]),
    (
        "POST",
        "/admin/staff/invite/",
        OWNERS,
        &[("email", "new@shop.test"), ("name", "New"), ("role", "clerk"), ("how", "link")],
    ),
    ("POST", "/admin/staff/{account}/", OWNERS, &[("act", "role"), ("role", "manager")]),
    ("GET", "/admin/orders", Who::Open, &[]),
    ("GET", "/admin/orders/", ALL, &[]),
    ("GET", "/admin/orders/orders.csv", ALL, &[]),
    ("POST", "/admin/orders/act/", MANAGERS, &[("act", "pay"), ("form", "{form}"), ("row", "{order}")]),
    ("POST", "/admin/orders/act/", ALL, &[("act", "confirmation"), ("row", "{order}")]),
    ("GET", "/admin/orders/{order}", Who::Open, &[]),
    ("GET", "/admin/orders/{order}/", ALL, &[]),
    ("POST", "/admin/orders/{order}/", MANAGERS, &[("act", "pay"), ("form", "{form}"), ("reference", "")]),
    ("POST", "/admin/orders/{order}/", ALL, &[("act", "email"), ("email", "other@example.com")]),
    ("POST", "/admin/orders/{order}/", ALL, &[("act", "mail"), ("which", "confirmation")]),
    ("POST", "/admin/orders/{order}/", ALL, &[("act", "note"), ("form", "{form}"), ("note", "Call first.")]),
    ("POST", "/admin/orders/{order}/", ALL, &[("act", "message"), ("form", "{form}"), ("message", "Hello.")]),
    ("GET", "/admin/new/order", Who::Open, &[]),
    ("GET", "/admin/new/order/", ALL, &[]),
    ("POST", "/admin/new/order/", ALL, COUNTER),
    ("GET", "/admin/products", Who::Open, &[]),
    ("GET", "/admin/products/", MANAGERS, &[]),
    ("POST", "/admin/products/", MANAGERS, &[("act", "feature"), ("row", "TEA")]),
    ("GET", "/admin/new/product/", MANAGERS, &[]),
    (
        "POST",
        "/admin/new/product/",
        MANAGERS,
        &[("sku", "NEW"), ("name", "New"), ("price", "1.00"), ("currency", "USD")],
    ),
    ("GET", "/admin/products/{sku}/", MANAGERS, &[]),
    (
        "POST",
        "/admin/products/{sku}/",
        MANAGERS,
        &[("version", "1"), ("name", "Other"), ("price", "1.00"), ("currency", "USD")],
    ),
    ("POST", "/admin/products/{sku}/sale/", MANAGERS, &[("act", "withdraw"), ("version", "1")]),
    ("POST", PICTURE, MANAGERS, &[("act", "set"), ("version", "1")]),
    ("GET", "/admin/categories", Who::Open, &[]),
    ("GET", "/admin/categories/", MANAGERS, &[]),
    ("GET", "/admin/new/category/", MANAGERS, &[]),
    ("POST", "/admin/new/category/", MANAGERS, &[("slug", "new"), ("name", "New")]),
    ("GET", "/admin/categories/{slug}/", MANAGERS, &[]),
    ("POST", "/admin/categories/{slug}/", MANAGERS, &[("version", "1"), ("name", "Other")]),
    ("POST", "/admin/categories/{slug}/shown/", MANAGERS, &[("act", "remove")]),
    ("GET", "/admin/newsletters", Who::Open, &[]),
    ("GET", "/admin/newsletters/", MANAGERS, &[]),
    ("GET", "/admin/new/newsletter/", MANAGERS, &[]),
    ("POST", "/admin/new/newsletter/", MANAGERS, ISSUE),
    ("GET", "/admin/newsletters/{issue}/", MANAGERS, &[]),
    ("POST", "/admin/newsletters/{issue}/", MANAGERS, ISSUE),
    ("GET", "/admin/newsletters/{issue}/preview/{lang}/", MANAGERS, &[]),
    ("POST", "/admin/newsletters/{issue}/release/", MANAGERS, &[("act", "now"), ("version", "1")]),
    ("POST", "/admin/newsletters/{issue}/cancel/", MANAGERS, &[]),
    ("GET", "/admin/members", Who::Open, &[]),
    ("GET", "/admin/members/", MANAGERS, &[]),
    ("GET", "/admin/members/{member}/", MANAGERS, &[]),
    ("POST", "/admin/members/{member}/", MANAGERS, &[("act", "disable")]),
    ("GET", "/admin/schedule", Who::Open, &[]),
    ("GET", "/admin/schedule/", MANAGERS, &[]),
    ("POST", "/admin/schedule/", MANAGERS, &[("act", "cancel"), ("row", "{job}")]),
    ("GET", "/ops", Who::Open, &[]),
    ("GET", "/ops/", MANAGERS, &[]),
    ("POST", "/ops/", MANAGERS, &[("do", "parked.discard {item}")]),
    ("GET", "/ops/ask/?do=parked.discard+{item}", MANAGERS, &[]),
    ("GET", "/ops/parked", Who::Open, &[]),
    ("GET", "/ops/parked/", MANAGERS, &[]),
    ("GET", "/ops/parked/{item}/", MANAGERS, &[]),
    ("GET", "/ops/dead-letters", Who::Open, &[]),
    ("GET", "/ops/dead-letters/", MANAGERS, &[]),
    ("GET", "/ops/mails", Who::Open, &[]),
    ("GET", "/ops/mails/", MANAGERS, &[]),
    ("POST", "/ops/mails/", MANAGERS, &[("of", "ada@example.com")]),
    ("GET", "/ops/projections/{view}/diff/?b={build}", MANAGERS, &[]),
];
/// It ends when nobody reads it any more; its own tests say who is let in.
const STREAM: &str = "/ops/stream";
/// It takes a file.
const PICTURE: &str = "/admin/products/{sku}/picture/";

/// All that a form of staff changes. What a page that is only looked at changes is not in it.
const STATE: &str = "SELECT concat_ws(' ',
    (SELECT count(*) FROM events), (SELECT count(*) FROM staff_sessions), (SELECT count(*) FROM staff_links),
    (SELECT md5(string_agg(j::text, '' ORDER BY j.id)) FROM scheduled_jobs AS j),
    (SELECT md5(string_agg(m::text, '' ORDER BY m.id)) FROM members AS m),
    (SELECT md5(string_agg(concat(a.id, a.role, a.disabled_at, a.credentials), '' ORDER BY a.id)) FROM staff_accounts AS a),
    (SELECT md5(string_agg(l::text, '' ORDER BY l.id)) FROM consumer_ledger AS l), (SELECT count(*) FROM operator_actions),
    (SELECT count(*) FROM order_notes), (SELECT count(*) FROM order_messages), (SELECT count(*) FROM idempotency_keys))";

/// A shop with one of everything.
struct Stage {
    goods: Goods,
    /// What stands for what in the table.
    names: Vec<(&'static str, String)>,
}

impl Stage {
    async fn new() -> Self {
        let goods = Goods::open().await;
        goods.product("TEA", "12.50").await;
        let api = &goods.instance;
        api.post("/v1/categories", &json!({ "slug": "teas", "name": "Teas" })).await.is(201);
        let issue = api.post("/v1/newsletters", &json!({ "subject": "Spring", "text": "It is here." })).await.is(201);
        let order = api.post("/v1/orders", &ada_buys(&[("TEA", 2)])).await.is(201);
        goods.caught_up(order.position()).await;
        let member = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO members (id, email, email_key, first_name, last_name, password_hash, lang, created_at, changed_at)
             VALUES ($1, 'ada@example.com', 'ada@example.com', 'Ada', 'Lovelace', '$argon2id$none', 'en', now(), now())",
        )
        .bind(member)
        .execute(&goods.pool)
        .await
        .unwrap();
        let job: i64 = sqlx::query_scalar(
            "INSERT INTO scheduled_jobs (task, job_key, payload, state, run_at, due_at, created_at, changed_at)
             VALUES ('letter', 'a', '{}', 'waiting', now() + interval '1 day', now() + interval '1 day', now(), now())
             RETURNING id",
        )
        .fetch_one(&goods.pool)
        .await
        .unwrap();
        let parked =
            "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence,
                                                  position, event_type, state, due_at, noted_at, changed_at)
             VALUES ('order_mail', gen_random_uuid(), gen_random_uuid(), 'order', 'a', 1, 1, 'OrderPlaced', 'parked',
                     'infinity', now(), now())
             RETURNING id";
        let item: i64 = sqlx::query_scalar(parked).fetch_one(&goods.pool).await.unwrap();
        // It is compared with itself.
        let build = "SELECT schema_name FROM projection_builds WHERE projection = 'order_list'";
        let build: String = sqlx::query_scalar(build).fetch_one(&goods.pool).await.unwrap();
        let account = goods.staff(Role::Clerk).await.account.id;
        let names = [
            ("{account}", account.to_string()),
            ("{order}", order.id()),
            ("{issue}", issue.id()),
            ("{member}", member.to_string()),
            ("{job}", job.to_string()),
            ("{item}", item.to_string()),
            ("{view}", "order_list".to_owned()),
            ("{build}", build),
            ("{sku}", "TEA".to_owned()),
            ("{slug}", "teas".to_owned()),
            ("{lang}", "en".to_owned()),
        ];
        Self { goods, names: names.into() }
    }

    fn named(&self, text: &str) -> String {
        let text = text.replace("{form}", &Uuid::now_v7().to_string());
        self.names.iter().fold(text, |text, (name, value)| text.replace(name, value))
    }

    fn fields(&self, fields: Fields) -> Vec<(&'static str, String)> {
        fields.iter().map(|(name, value)| (*name, self.named(value))).collect()
    }

    /// What this route's page would send, with this token.
    async fn send(&self, staff: &Staff<'_>, route: &Route, csrf: Option<&str>, origin: &str) -> Reply {
        let (_, path, _, fields) = route;
        let mut fields = self.fields(fields);
        fields.extend(csrf.map(|csrf| ("csrf", csrf.to_owned())));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let call = if *path == PICTURE {
            staff.file(&self.named(path), &fields, &drawing(10))
        } else {
            staff.form(&self.named(path), &fields)
        };
        call.header("origin", origin).await
    }

    fn origin(&self) -> String {
        format!("http://{}", self.goods.instance.address)
    }

    async fn state(&self) -> String {
        sqlx::query_scalar(STATE).fetch_one(&self.goods.pool).await.unwrap()
    }
}

type Route = (&'static str, &'static str, Who, Fields);

fn posts() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|(method, ..)| *method == "POST")
}

/// A request of somebody who is not logged in.
fn outside<'i>(api: &'i Instance, method: &str, path: &str) -> Call<'i> {
    let call = api.call(method.parse().unwrap(), path).without("authorization").header("accept", ACCEPT);
    let origin = format!("http://{}", api.address);
    if method == "POST" { call.header("origin", &origin).header("content-type", FORM).body("csrf=none") } else { call }
}

#[tokio::test]
async fn every_route_is_in_the_table() {
    let shop = crate::http_support::Shop::new().await;
    let api = shop.instance().await;
    let is_below =
        |path: &str, top: &str| path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_ours = |path: &str| (is_below(path, "/admin") || is_below(path, "/ops")) && path != STREAM;
    let plain = |path: &str| {
        let path = path.split_once('?').map_or(path, |(path, _query)| path);
        let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    let mut routes = BTreeSet::new();
    for (path, _) in api::app::paths().into_iter().filter(|(path, _)| is_ours(path)) {
        let refused = api.call(Method::TRACE, &path.replace(['{', '}'], "")).await.is(405);
        let methods = refused.header("allow").split(',').map(|method| method.trim().to_owned());
        routes.extend(methods.filter(|method| method != "HEAD").map(|method| (method, plain(path))));
    }
    let known: BTreeSet<_> = ROUTES.iter().map(|(method, path, ..)| ((*method).to_owned(), plain(path))).collect();
    let new: Vec<_> = routes.difference(&known).collect();
    assert!(new.is_empty(), "say in ROUTES who is let in at {new:?}");
    let gone: Vec<_> = known.difference(&routes).collect();
    assert!(gone.is_empty(), "there is no such route: {gone:?}");
}

#[tokio::test]
async fn without_a_session_one_is_led_to_the_log_in() {
    let stage = Stage::new().await;
    let before = stage.state().await;
    for (method, path, who, _) in ROUTES {
        let answer = outside(&stage.goods.instance, method, &stage.named(path)).await;
        let location = answer.headers.get("location").map_or("", |location| location.to_str().unwrap()).to_owned();
        match who {
            Who::Staff(_) => {
                assert_eq!(answer.status, 303, "{method} {path} answered {}", answer.text);
                assert!(location.starts_with("/admin/login/?next="), "{method} {path} leads to {location}");
            }
            Who::Session => assert_eq!(answer.status, 403, "{method} {path}"),
            Who::Open => assert!(answer.status.as_u16() < 500, "{method} {path} answered {}", answer.text),
        }
    }
    assert_eq!(stage.state().await, before);
}

#[tokio::test]
async fn nothing_but_a_page_of_ours_changes_anything() {
    let stage = Stage::new().await;
    let owner = stage.goods.staff(Role::Owner).await;
    let other = stage.goods.staff(Role::Owner).await;
    let (own, before) = (stage.origin(), stage.state().await);
    for route in posts() {
        let (_, path, who, _) = route;
        if !matches!(who, Who::Open) {
            for csrf in [None, Some(""), Some("AAAA"), Some(other.csrf.as_str())] {
                let refused = stage.send(&owner, route, csrf, &own).await;
                assert_eq!(refused.status, 403, "{path} with the token {csrf:?} answered {}", refused.text);
            }
        }
        for origin in ["https://evil.test", "null"] {
            let refused = stage.send(&owner, route, Some(&owner.csrf), origin).await;
            assert_eq!(refused.status, 403, "{path} from {origin} answered {}", refused.text);
        }
        assert_eq!(stage.state().await, before, "{path} changed something");
    }
}

#[tokio::test]
async fn each_role_gets_what_the_table_says() {
    for role in Role::ALL {
        let stage = Stage::new().await;
        let staff = stage.goods.staff(role).await;
        for route in ROUTES {
            let (method, path, who, _) = route;
            let Who::Staff(roles) = who else { continue };
            let before = stage.state().await;
            let answer = match *method {
                "GET" => staff.get(&stage.named(path)).await,
                _ => stage.send(&staff, route, Some(&staff.csrf), &stage.origin()).await,
            };
            if roles.contains(&role) {
                let is_well = matches!(answer.status.as_u16(), 200 | 303 | 422);
                assert!(is_well, "{method} {path} answered {} to the {role}: {}", answer.status, answer.text);
            } else {
                assert_eq!(answer.status, 403, "{method} {path} of the {role}");
                assert_eq!(stage.state().await, before, "{method} {path} of the {role} changed something");
            }
        }
    }
}
