//! A visitor of the shop's pages, without a script: keeps cookies, and sends forms as they stand on a page.

use crate::http::{Answer, Connection};
use crate::shop::Shop;
use chrono::Utc;
use commands::members::letters::{self, Says};
use http::StatusCode;
use http::header::SET_COOKIE;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;

const ACCEPT: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
const PASSWORD: &str = "oolong & steam";
/// Who they are, in a form's fields.
const PERSON: [(&str, &str); 2] = [("first_name", "Ada"), ("last_name", "Lovelace")];
const ADDRESS: [(&str, &str); 3] =
    [("address", "12 St James's Square"), ("postal_code", "SW1Y 4JH"), ("city", "London")];

/// See the module.
pub struct Visitor {
    connection: Connection,
    origin: String,
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    /// Somebody new.
    pub async fn open(address: SocketAddr) -> Self {
        let connection = Connection::open(address, "").await;
        Self { connection, origin: format!("http://{address}"), cookies: BTreeMap::new() }
    }

    /// The same visitor over a connection of its own.
    pub async fn again(&self, address: SocketAddr) -> Self {
        Self { cookies: self.cookies.clone(), ..Self::open(address).await }
    }

    /// A page, if it is one.
    pub async fn get(&mut self, path: &str) -> Result<Answer, String> {
        let cookies = self.cookies();
        let answer = self.connection.get(path, &[ACCEPT, ("cookie", &cookies)]).await?;
        self.keep(&answer);
        answer.is(StatusCode::OK)
    }

    /// Sends a form that leads to another page; where that is.
    async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<String, String> {
        let answer = self.post(path, fields).await?.is(StatusCode::SEE_OTHER)?;
        Ok(answer.header("location").to_owned())
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, String> {
        let (cookies, origin) = (self.cookies(), self.origin.clone());
        let headers = [ACCEPT, ("cookie", cookies.as_str()), ("origin", origin.as_str())];
        let answer = self.connection.post_form(path, &headers, fields).await?;
        self.keep(&answer);
        Ok(answer)
    }

    fn cookies(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&mut self, answer: &Answer) {
        let pairs =
            answer.headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        for (name, value) in pairs.filter_map(|pair| pair.split_once('=')) {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Puts one of each product into the cart.
    pub async fn fill_cart(&mut self, skus: &[String]) -> Result<(), String> {
        for sku in skus {
            self.send("/cart/add/", &[("sku", sku), ("quantity", "1")]).await?;
        }
        Ok(())
    }

    /// Orders what is in the cart; the address of the thank-you page.
    pub async fn order(&mut self, email: &str) -> Result<String, String> {
        let page = self.get("/orders/create/").await?;
        let mut fields = PERSON.to_vec();
        fields.extend(ADDRESS);
        fields.push(("email", email));
        let mut hidden = Vec::new();
        for name in ["csrf", "key", "total", "currency"] {
            hidden.push((name, field(&page, name)?));
        }
        fields.extend(hidden.iter().map(|(name, value)| (*name, value.as_str())));
        self.send("/orders/create/", &fields).await
    }

    /// Becomes a member. The link is made as the program that mails it would make it.
    pub async fn join(&mut self, shop: &Shop, email: &str) -> Result<(), String> {
        let csrf = field(&self.get("/account/join/").await?, "csrf")?;
        let mut fields = PERSON.to_vec();
        fields.extend([("csrf", csrf.as_str()), ("email", email), ("new_password", PASSWORD)]);
        self.post("/account/join/", &fields).await?.is(StatusCode::OK)?;
        let token = link_of_newest(shop).await?;
        let csrf = field(&self.get(&format!("/account/confirm/?token={token}")).await?, "csrf")?;
        let fields = [("csrf", csrf.as_str()), ("token", token.as_str()), ("password", PASSWORD)];
        self.send("/account/confirm/", &fields).await.map(drop)
    }
}

async fn link_of_newest(shop: &Shop) -> Result<String, String> {
    let pool = shop.db.pool().await;
    let newest = "SELECT payload FROM scheduled_jobs WHERE task = $1 ORDER BY id DESC LIMIT 1";
    let job: Value = sqlx::query_scalar(newest)
        .bind(letters::TASK)
        .fetch_one(&pool)
        .await
        .map_err(|error| format!("no mail was asked for: {error}"))?;
    let letter = letters::write(&pool, &job, Utc::now()).await.map_err(|error| error.to_string())?;
    match letter.map(|letter| letter.says) {
        Some(Says::Confirm(token)) => Ok(token.expose()),
        other => Err(format!("no link to confirm by: {other:?}")),
    }
}

/// What stands in the first field of this name; none that is asked for needs unescaping.
fn field(page: &Answer, name: &str) -> Result<String, String> {
    let text = String::from_utf8_lossy(&page.body);
    let field = text.split_once(&format!("name=\"{name}\"")).and_then(|(_, rest)| rest.split_once('>'));
    let value = field.and_then(|(field, _)| field.split_once("value=\"")).and_then(|(_, rest)| rest.split_once('"'));
    value.map(|(value, _)| value.to_owned()).ok_or_else(|| format!("the page has no field {name}"))
}
