//! In which language a visitor is answered: the one that was chosen, else the best of those that the browser accepts.

use super::{Fault, Visit, cookies};
use crate::app::App;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use consumers::language::Lang;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::sync::Arc;

/// The cookie that keeps a choice. It tells nothing of who the visitor is.
const COOKIE: &str = "lang";
/// How long a choice is kept.
const KEPT_S: i64 = 365 * 24 * 60 * 60;
/// The longest way back.
const MAX_NEXT_BYTES: usize = 2_000;

/// The language of whoever sent these headers.
pub fn of(headers: &HeaderMap) -> Lang {
    let chosen = cookies::of(headers, COOKIE).and_then(Lang::of_tag);
    chosen.unwrap_or_else(|| {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Lang::accepted(accepted.unwrap_or_default())
    })
}

/// Where a visitor at `here` chooses a language.
pub(super) fn choice_url(lang: Lang, here: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("lang", lang.tag())
        .append_pair("next", here)
        .finish();
    format!("/language/?{query}")
}

/// `GET /language/?lang=ko&next=/products/`: keeps the choice and goes back. Nothing is lost if somebody else's link
/// does it, so it asks for no proof, and works without a script.
pub(super) async fn handle(
    State(app): State<Arc<App>>,
    _: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let query = query.unwrap_or_default();
    let parameter = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let lang = parameter("lang").and_then(|tag| Lang::of_tag(&tag)).ok_or(Fault::NotFound)?;
    let next = parameter("next").filter(|next| is_path_of_ours(next)).unwrap_or_else(|| "/".to_owned());
    let location = HeaderValue::try_from(next).unwrap_or_else(|_| HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookies::set(COOKIE, lang.tag(), Some(KEPT_S), app.frame.is_secure()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Whether this leads to a page of the shop, and by no trick elsewhere: browsers take `//host` and `/\host` for other
/// hosts, and drop tabs and line breaks before they look.
pub fn is_path_of_ours(next: &str) -> bool {
    let mut rest = next.bytes();
    rest.next() == Some(b'/')
        && !matches!(rest.next(), Some(b'/' | b'\\'))
        && next.len() <= MAX_NEXT_BYTES
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_goes_before_what_the_browser_accepts() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("zh-CN,zh;q=0.9"));
        assert_eq!(of(&headers), Lang::ZhHans);
        headers.insert(header::COOKIE, HeaderValue::from_static("lang=ko"));
        assert_eq!(of(&headers), Lang::Ko);
        headers.insert(header::COOKIE, HeaderValue::from_static("lang=tlh"));
        assert_eq!(of(&headers), Lang::ZhHans, "a language that the shop does not speak is no choice");
    }

    #[test]
    fn the_way_back_stays_in_the_shop() {
        for ours in ["/", "/products/?q=a+b", "/products/TEA/"] {
            assert!(is_path_of_ours(ours), "{ours}");
        }
        for other in
            ["", "https://evil.test/", "//evil.test", "/\\evil.test", "/a\\b", "/\t/evil.test", "/a b", "products/"]
        {
            assert!(!is_path_of_ours(other), "{other:?}");
        }
        assert!(!is_path_of_ours(&format!("/{}", "x".repeat(MAX_NEXT_BYTES))));
        assert_eq!(
            choice_url(Lang::ZhHans, "/products/?q=a&b"),
            "/language/?lang=zh-Hans&next=%2Fproducts%2F%3Fq%3Da%26b"
        );
    }
}
