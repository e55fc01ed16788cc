//! Whether a request that changes something comes from a page of ours.
//!
//! Browsers say it themselves: `Sec-Fetch-Site` over TLS and on the machine itself (Fetch Metadata), `Origin` with
//! every form (RFC 6454). One that says neither is refused: there is none in use that keeps both to itself.

use super::{Fault, Frame};
use http::{HeaderMap, header};
use url::Url;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Refuses what another site made the browser send.
pub(crate) fn check(headers: &HeaderMap, frame: &Frame) -> Result<(), Fault> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_ours = match (text(SEC_FETCH_SITE), text(header::ORIGIN.as_str())) {
        // `none` is the visitor's own doing: a page loaded again, a bookmark.
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            is_our_origin(origin, text(header::HOST.as_str()), frame.settings().public_url.as_ref())
        }
        (None, None) => false,
    };
    if is_ours { Ok(()) } else { Err(Fault::Forbidden) }
}

/// The origin of the address that is set, or else of the host that was asked, which no page of another can make a
/// browser say.
fn is_our_origin(origin: &str, host: Option<&str>, public_url: Option<&Url>) -> bool {
    if let Some(ours) = public_url {
        return ours.origin().ascii_serialization() == origin;
    }
    let asked = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    asked.is_some_and(|asked| !asked.is_empty() && host.is_some_and(|host| host.eq_ignore_ascii_case(asked)))
}

#[cfg(test)]
mod tests {
    use super::super::ShopSettings;
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn allowed(public_url: Option<&str>, headers: &[(&'static str, &'static str)]) -> bool {
        let public_url = public_url.map(|url| url.parse().unwrap());
        let frame = Frame::new(ShopSettings { public_url, ..ShopSettings::default() });
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        check(&headers.iter().map(header).collect(), &frame).is_ok()
    }

    #[test]
    fn what_the_browser_says_of_the_site_goes_first() {
        for (site, expected) in [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)] {
            let headers = [("sec-fetch-site", site), ("origin", "http://shop.test"), ("host", "shop.test")];
            assert_eq!(allowed(None, &headers), expected, "{site}");
        }
    }

    #[test]
    fn an_origin_is_ours_or_refused() {
        let with = |origin| [("origin", origin), ("host", "shop.test:8080")];
        for (origin, expected) in [
            ("http://shop.test:8080", true),
            ("https://shop.test:8080", true),
            ("http://shop.test", false),
            ("http://evil.test", false),
            ("http://shop.test:8080.evil.test", false),
            ("shop.test:8080", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(allowed(None, &with(origin)), expected, "{origin}");
        }
        assert!(!allowed(None, &[("host", "shop.test")]), "a browser that says nothing");
        assert!(!allowed(None, &[("origin", "http://"), ("host", "")]));
    }

    #[test]
    fn an_address_that_is_set_is_the_only_one() {
        let url = Some("https://shop.test");
        assert!(allowed(url, &[("origin", "https://shop.test"), ("host", "10.0.0.7:8080")]));
        assert!(!allowed(url, &[("origin", "http://shop.test"), ("host", "shop.test")]));
        assert!(!allowed(url, &[("origin", "https://10.0.0.7:8080"), ("host", "10.0.0.7:8080")]));
    }
}
