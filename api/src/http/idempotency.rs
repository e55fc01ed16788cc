//! The `Idempotency-Key` header: what makes two requests the same one.

use crate::auth::VerifiedKey;
use crate::problem::{Code, Place, Problem};
use commands::IdempotencyKey;
use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};

/// The most characters of a key.
const MAX_CHARS: usize = 255;
const NAME: &str = "idempotency-key";

/// The key that came with a request, bound to its holder, method, path and body.
pub fn key(
    headers: &HeaderMap,
    holder: &VerifiedKey,
    method: &Method,
    path: &str,
    body: &[u8],
) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(NAME).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().and_then(parse).filter(|_| values.next().is_none()).ok_or_else(malformed)?;
    let mut digest = Sha256::new();
    // Each part's length goes before it, so that no two requests run together into the same bytes.
    for part in [holder.actor.as_bytes(), method.as_str().as_bytes(), path.as_bytes(), text.as_bytes()] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let request_digest = Sha256::digest(body).into();
    Ok(Some(IdempotencyKey { digest: digest.finalize().into(), request_digest, ordered: None }))
}

/// The problem of a request that must not be carried out twice and came without a key.
pub fn required() -> Problem {
    Problem::new(
        Code::IdempotencyKeyRequired,
        "Send an Idempotency-Key, a new one for each new request, and the same one when you send a request again.",
    )
    .error(Place::Header("Idempotency-Key"), "missing", "is required")
}

/// A key as it is, or as the IETF's draft writes it: a structured field's string (RFC 9651), in quotes.
fn parse(text: &str) -> Option<String> {
    let key = match text.strip_prefix('"') {
        None => text.to_owned(),
        Some(quoted) => unquoted(quoted.strip_suffix('"')?)?,
    };
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    ((1..=MAX_CHARS).contains(&key.len()) && visible).then_some(key)
}

fn unquoted(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => plain.push(chars.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            '"' => return None,
            char => plain.push(char),
        }
    }
    Some(plain)
}

fn malformed() -> Problem {
    Problem::new(Code::InvalidHeader, "Idempotency-Key is not understood.").error(
        Place::Header("Idempotency-Key"),
        "not_a_key",
        format!("must be one value of 1 to {MAX_CHARS} visible ASCII characters"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Scopes;
    use http::HeaderValue;
    use projections::order_list::Whose;
    use uuid::Uuid;

    fn holder(id: u128) -> VerifiedKey {
        let id = Uuid::from_u128(id);
        VerifiedKey { id, actor: id.to_string(), scopes: Scopes::default(), whose: Whose::All }
    }

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(NAME, HeaderValue::from_str(value).unwrap());
        headers
    }

    fn digest(value: &str, holder_id: u128, method: Method, path: &str) -> [u8; 32] {
        key(&headers(value), &holder(holder_id), &method, path, b"{}").unwrap().unwrap().digest
    }

    #[test]
    fn a_key_belongs_to_its_holder_method_and_path() {
        let one = digest("abc", 1, Method::POST, "/v1/orders");
        assert_eq!(one, digest("\"abc\"", 1, Method::POST, "/v1/orders"), "quoted it is the same key");
        assert_ne!(one, digest("abd", 1, Method::POST, "/v1/orders"));
        assert_ne!(one, digest("abc", 2, Method::POST, "/v1/orders"));
        assert_ne!(one, digest("abc", 1, Method::PATCH, "/v1/orders"));
        assert_ne!(one, digest("abc", 1, Method::POST, "/v1/products"));
    }

    #[test]
    fn another_body_has_another_request_digest() {
        let of = |body: &[u8]| key(&headers("abc"), &holder(1), &Method::POST, "/", body).unwrap().unwrap();
        assert_eq!(of(b"{}").digest, of(b"[]").digest);
        assert_ne!(of(b"{}").request_digest, of(b"[]").request_digest);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let longest = "x".repeat(255);
        assert_eq!(parse(&longest), Some(longest.clone()));
        assert_eq!(parse("\"a\\\"b\""), Some("a\"b".to_owned()));
        for malformed in ["", "a b", "\"\"", "\"abc", "\"a\"b\"", "\"a\\b\"", &"x".repeat(256)] {
            assert_eq!(parse(malformed), None, "{malformed}");
        }
        let mut twice = headers("abc");
        twice.append(NAME, HeaderValue::from_static("abd"));
        let problem = key(&twice, &holder(1), &Method::POST, "/", b"").unwrap_err();
        assert_eq!(problem.code(), Code::InvalidHeader);
        assert!(key(&HeaderMap::new(), &holder(1), &Method::POST, "/", b"").unwrap().is_none());
    }
}
