//! What browsers are told to refuse, on everything that they are answered.

use super::Frame;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Nothing but what the shop itself serves, and no script or style within a page: whatever finds its way into one stays
/// text.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);
/// Two years, as browsers' own lists ask for.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// The others. `same-origin` and not `no-referrer`: with that, browsers would send `Origin: null` with our own forms.
const ALWAYS: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Adds the headers to an answer; one that names a policy of its own keeps that.
pub(crate) fn protect(headers: &mut HeaderMap, frame: &Frame) {
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CONTENT_SECURITY_POLICY);
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    if frame.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
}

#[cfg(test)]
mod tests {
    use super::super::ShopSettings;
    use super::*;

    #[test]
    fn tls_is_asked_for_only_where_it_is_there() {
        for (url, expected) in [(None, false), (Some("http://shop.test"), false), (Some("https://shop.test"), true)] {
            let public_url = url.map(|url| url.parse().unwrap());
            let mut headers = HeaderMap::new();
            protect(&mut headers, &Frame::new(ShopSettings { public_url, ..ShopSettings::default() }));
            assert_eq!(headers.contains_key(header::STRICT_TRANSPORT_SECURITY), expected, "{url:?}");
            assert!(!headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("unsafe"));
        }
    }
}
