//! A shop with pictures and views, and somebody behind its counter.

use crate::browser::{ACCEPT, FORM, value};
use crate::http_support::{BOUND, Call, Instance, Reply, Shop};
use api::app::HttpSettings;
use api::http::ServerSettings;
use api::scheduled::ReleaseIssue;
use api::shop::ShopSettings;
use chrono::Utc;
use commands::schedule::{Schedule, Worker};
use commands::shop::sessions::SessionSecret;
use commands::staff::accounts::{self, Invitation};
use commands::staff::{Account, Role, sessions};
use commands::{Catalogue, Clock, Gateway, GatewaySettings, Log, db};
use domain::text::{Email, PersonName};
use projections::Views;
use sqlx::PgPool;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use testkit::eventually;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A shop, the process that serves it, and its folder of pictures.
pub struct Goods {
    pub shop: Shop,
    pub instance: Instance,
    pub pool: PgPool,
    media: TempDir,
}

impl Goods {
    pub async fn open() -> Self {
        let (shop, media) = (Shop::new().await, tempfile::tempdir().unwrap());
        let settings = ShopSettings { media: Some(media.path().join("media")), ..ShopSettings::default() };
        let http = HttpSettings { shop: settings, ..HttpSettings::default() };
        let instance = shop.instance_with(http, ServerSettings::default()).await;
        instance.project();
        let pool = db::connect(&shop.db.app_url(), 2).await.unwrap();
        let goods = Self { shop, instance, pool, media };
        goods.caught_up(0).await;
        goods
    }

    pub fn media(&self) -> PathBuf {
        self.media.path().join("media")
    }

    /// Waits until every view holds what happened up to there.
    pub async fn caught_up(&self, position: u64) {
        eventually("all views have caught up", BOUND, async || {
            for name in Views::names() {
                let at = self.instance.views.position(name).await.map_err(|error| error.to_string())?;
                if at.0 < position {
                    return Err(format!("{name} is at {at}"));
                }
            }
            Ok::<_, String>(())
        })
        .await;
    }

    /// Adds a product by the API, and waits until it is shown.
    pub async fn product(&self, sku: &str, price: &str) {
        let added = self.instance.add_product(sku, price).await;
        self.caught_up(added.position()).await;
    }

    /// Has the hour come of the issue of the newsletter that is on the schedule, and releases it as another process
    /// would.
    pub async fn release_due(&self) {
        let hour = "UPDATE scheduled_jobs SET due_at = $1 WHERE task = 'newsletter_release' AND state = 'waiting'";
        let now = Utc::now();
        assert_eq!(sqlx::query(hour).bind(now).execute(&self.pool).await.unwrap().rows_affected(), 1);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let pool = db::connect(&self.shop.db.app_url(), 4).await.unwrap();
        let log = Log::open(pool, stop.clone(), &tasks).await.unwrap();
        let catalogue = Catalogue::open(log.clone(), stop.clone(), &tasks).await.unwrap();
        let gateway = Gateway::open(log.clone(), catalogue, GatewaySettings::default(), stop.clone(), &tasks);
        let schedule = Schedule::new(self.pool.clone(), Clock::system());
        let worker = Worker::new(schedule, vec![Arc::new(ReleaseIssue::new(gateway))]);
        assert_eq!(worker.run_due().await.unwrap(), 1);
        stop.cancel();
    }

    pub async fn staff(&self, role: Role) -> Staff<'_> {
        let (email, name) = (format!("{role}-{}@shop.test", uuid()), format!("The {role}"));
        let (email, name) = (Email::parse(&email).unwrap(), PersonName::parse(&name).unwrap());
        let account = accounts::invite(&self.pool, &Invitation { email, name, role }, Utc::now()).await.unwrap();
        let secret = SessionSecret::random();
        sessions::begin(&self.pool, &account, &secret, Utc::now()).await.unwrap();
        let cookie = format!("__Host-orders-staff={}", secret.expose());
        let mut staff = Staff { instance: &self.instance, account, cookie, csrf: String::new() };
        let home = staff.get("/admin/").await.is(200);
        staff.csrf = value(&home, "csrf").expect("a form with a token");
        staff
    }
}

fn uuid() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// Somebody who is logged in behind the counter, with a browser without a script.
pub struct Staff<'g> {
    instance: &'g Instance,
    pub account: Account,
    pub cookie: String,
    /// What its forms carry.
    pub csrf: String,
}

impl<'g> Staff<'g> {
    pub fn get(&self, path: &str) -> Call<'g> {
        self.browse(self.instance.get(path))
    }

    fn browse(&self, call: Call<'g>) -> Call<'g> {
        call.without("authorization").header("accept", ACCEPT).header("cookie", &self.cookie)
    }

    fn sent(&self, path: &str) -> Call<'g> {
        let call = self.browse(self.instance.call(http::Method::POST, path));
        call.header("origin", &format!("http://{}", self.instance.address))
    }

    /// A form as it would be sent, without the token of its session.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Call<'g> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.sent(path).header("content-type", FORM).body(body)
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let fields = [&[("csrf", self.csrf.as_str())][..], fields].concat();
        self.form(path, &fields).await
    }

    /// Sends a form, and looks at the page that it leads to.
    pub async fn done(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let sent = self.post(path, fields).await.is(303);
        self.get(sent.header("location")).await.is(200)
    }

    /// A form with a file in it.
    pub async fn upload(&self, path: &str, fields: &[(&str, &str)], file: &[u8]) -> Reply {
        self.file(path, &[&[("csrf", self.csrf.as_str())][..], fields].concat(), file).await
    }

    /// A form with a file in it, without the token of its session.
    pub fn file(&self, path: &str, fields: &[(&str, &str)], file: &[u8]) -> Call<'g> {
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend_from_slice(
                format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes(),
            );
        }
        let head = "--XX\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"../../evil.html\"\r\n\
                    Content-Type: text/html\r\n\r\n";
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--XX--\r\n");
        self.sent(path).header("content-type", "multipart/form-data; boundary=XX").body(body)
    }
}

/// What stands in the first field of this name on a page.
#[track_caller]
pub fn field(page: &Reply, name: &str) -> String {
    value(page, name).unwrap_or_else(|| panic!("no field {name} in {}", page.text))
}

#[track_caller]
pub fn says(page: &Reply, words: &[&str]) {
    for word in words {
        assert!(page.text.contains(word), "no `{word}` in {}", page.text);
    }
}
