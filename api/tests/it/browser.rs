//! A browser without a script: it keeps cookies, follows what it is told, and sends forms as they stand on a page.

use crate::http_support::{Call, Instance, Reply};
use http::header::SET_COOKIE;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

pub const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
pub const FORM: &str = "application/x-www-form-urlencoded";

pub struct Browser<'i> {
    pub instance: &'i Instance,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl<'i> Browser<'i> {
    pub fn new(instance: &'i Instance) -> Self {
        Self { instance, cookies: Mutex::default() }
    }

    /// The same cookies at another process.
    pub fn at<'o>(&self, instance: &'o Instance) -> Browser<'o> {
        Browser { instance, cookies: Mutex::new(self.jar().clone()) }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.keep(self.request(self.instance.get(path)).await)
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.keep(self.form(path, fields).await)
    }

    /// A form as it would be sent; to be changed before.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Call<'i> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let call = self.request(self.instance.call(http::Method::POST, path));
        call.header("origin", &format!("http://{}", self.instance.address)).header("content-type", FORM).body(body)
    }

    fn request(&self, call: Call<'i>) -> Call<'i> {
        let call = call.without("authorization").header("accept", ACCEPT);
        let pairs: Vec<String> = self.jar().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { call } else { call.header("cookie", &pairs.join("; ")) }
    }

    pub fn keep(&self, reply: Reply) -> Reply {
        for cookie in reply.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').expect("a name and a value");
            self.jar().insert(name.to_owned(), value.to_owned());
        }
        reply
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar().insert(name.to_owned(), value.to_owned());
    }

    fn jar(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts so many of a product into the cart.
    pub async fn add(&self, sku: &str, quantity: u32) {
        let reply = self.post("/cart/add/", &[("sku", sku), ("quantity", &quantity.to_string())]).await.is(303);
        assert_eq!(reply.header("location"), "/cart/");
    }

    /// The token that this visitor's forms carry.
    pub async fn token(&self) -> String {
        value(&self.get("/cart/").await.is(200), "csrf").expect("a form with a token")
    }
}

/// What stands in the first field of this name.
pub fn value(reply: &Reply, name: &str) -> Option<String> {
    let (_, rest) = reply.text.split_once(&format!("name=\"{name}\""))?;
    let (field, _) = rest.split_once('>')?;
    let (_, value) = field.split_once("value=\"")?;
    let value = value.split_once('"')?.0;
    Some(
        ["&#60;", "&#62;", "&#34;", "&#39;", "&#38;"]
            .iter()
            .zip(["<", ">", "\"", "'", "&"])
            .fold(value.to_owned(), |value, (entity, char)| value.replace(entity, char)),
    )
}
