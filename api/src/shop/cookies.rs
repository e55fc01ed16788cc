//! Cookies.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use std::borrow::Cow;

/// A cookie of the request; the first, where there are several of the name.
pub fn of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lists = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = lists.flat_map(Cookie::split_parse).flatten();
    cookies.into_iter().find(|cookie| cookie.name() == name).and_then(|cookie| cookie.value_raw())
}

/// A cookie for all paths, out of reach for scripts, that other sites' forms do not bring along. Without an age it goes
/// when the browser is closed.
pub(crate) fn set(
    name: &'static str,
    value: impl Into<Cow<'static, str>>,
    max_age_s: Option<i64>,
    secure: bool,
) -> Option<HeaderValue> {
    let mut cookie = Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Lax).secure(secure);
    if let Some(seconds) = max_age_s {
        cookie = cookie.max_age(cookie::time::Duration::seconds(seconds));
    }
    HeaderValue::try_from(cookie.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers, "lang"), None);
        headers.insert(header::COOKIE, HeaderValue::from_static("a=1; lang=ko; lang=en; =; b"));
        assert_eq!((of(&headers, "lang"), of(&headers, "b"), of(&headers, "a")), (Some("ko"), None, Some("1")));
    }

    #[test]
    fn a_cookie_is_kept_from_scripts_and_other_sites() {
        let cookie = set("lang", "ko", Some(60), true).unwrap();
        let text = cookie.to_str().unwrap();
        for part in ["lang=ko", "HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=60"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let until_closed = set("lang", "ko", None, false).unwrap();
        assert!(!until_closed.to_str().unwrap().contains("Max-Age"));
    }
}
