//! Whether a notice is PayPal's: RSA-SHA-256 over what identifies its transmission, our webhook, and the body's
//! checksum (<https://developer.paypal.com/api/rest/webhooks/rest/#link-selfverificationmethod>).

use super::super::provider::NoticeError;
use super::certificates::SigningKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use serde_json::{Value, json};

/// The one way that PayPal signs by.
const ALGORITHM: &str = "SHA256withRSA";
/// The longest of these headers.
const MAX_HEADER_BYTES: usize = 1_000;

const AUTH_ALGO: &str = "paypal-auth-algo";
const CERT_URL: &str = "paypal-cert-url";
const TRANSMISSION_ID: &str = "paypal-transmission-id";
const TRANSMISSION_SIG: &str = "paypal-transmission-sig";
const TRANSMISSION_TIME: &str = "paypal-transmission-time";

/// What a notice comes with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// Where the certificate is.
    pub(super) cert_url: String,
    id: String,
    time: String,
    signature: String,
}

impl Signed {
    /// Reads the headers.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, NoticeError> {
        let text = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            let value = value.filter(|value| (1..=MAX_HEADER_BYTES).contains(&value.len()));
            value.map(str::to_owned).ok_or_else(|| NoticeError::NotGenuine(format!("there is no {name}")))
        };
        if text(AUTH_ALGO)? != ALGORITHM {
            return Err(NoticeError::NotGenuine(format!("{AUTH_ALGO} is not {ALGORITHM}")));
        }
        Ok(Self {
            cert_url: text(CERT_URL)?,
            id: text(TRANSMISSION_ID)?,
            time: text(TRANSMISSION_TIME)?,
            signature: text(TRANSMISSION_SIG)?,
        })
    }

    /// Whether whoever has this key signed this body for this webhook of ours.
    pub(super) fn check(&self, key: &SigningKey, webhook_id: &str, body: &[u8]) -> Result<(), NoticeError> {
        let signature = STANDARD.decode(&self.signature);
        let signature = signature.map_err(|_| NoticeError::NotGenuine(format!("{TRANSMISSION_SIG} is no base64")))?;
        let signed = format!("{}|{}|{webhook_id}|{}", self.id, self.time, crc32fast::hash(body));
        let verify = || Verifier::new(MessageDigest::sha256(), key)?.verify_oneshot(&signature, signed.as_bytes());
        match verify() {
            Ok(true) => Ok(()),
            Ok(false) => Err(NoticeError::NotGenuine("it is of another body, webhook or key".to_owned())),
            Err(error) => Err(NoticeError::NotGenuine(error.to_string())),
        }
    }

    /// What is kept of it beside the body: enough to check it again.
    pub(super) fn kept(&self) -> Value {
        json!({
            AUTH_ALGO: ALGORITHM,
            CERT_URL: self.cert_url,
            TRANSMISSION_ID: self.id,
            TRANSMISSION_TIME: self.time,
            TRANSMISSION_SIG: self.signature,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;
    use openssl::sign::Signer;

    fn headers(changes: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (AUTH_ALGO, ALGORITHM),
            (CERT_URL, "https://api.paypal.com/v1/notifications/certs/CERT-1"),
            (TRANSMISSION_ID, "69cd13f0-d67a-11e5-baa3-778b53f4ae55"),
            (TRANSMISSION_TIME, "2016-02-18T20:01:35Z"),
            (TRANSMISSION_SIG, "AA=="),
        ]
        .iter()
        .chain(changes)
        {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_header_that_is_missing_or_of_another_kind_is_named() {
        for (name, value) in [(AUTH_ALGO, "SHA1withRSA"), (CERT_URL, ""), (TRANSMISSION_SIG, "")] {
            let error = Signed::of(&headers(&[(name, value)])).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn a_signature_is_of_one_body_webhook_and_key() {
        let pair = PKey::from_rsa(Rsa::generate(2_048).unwrap()).unwrap();
        let public = PKey::public_key_from_der(&pair.public_key_to_der().unwrap()).unwrap();
        let mut signed = Signed::of(&headers(&[])).unwrap();
        let body = br#"{"id":"WH-1"}"#;
        let text = format!("{}|{}|1JE4291016473214C|{}", signed.id, signed.time, crc32fast::hash(body));
        let mut signer = Signer::new(MessageDigest::sha256(), &pair).unwrap();
        signed.signature = STANDARD.encode(signer.sign_oneshot_to_vec(text.as_bytes()).unwrap());
        let check = |body: &[u8], webhook: &str| signed.check(&public, webhook, body);
        assert_eq!(check(body, "1JE4291016473214C"), Ok(()));
        assert!(check(br#"{"id":"WH-2"}"#, "1JE4291016473214C").is_err());
        assert!(check(body, "2JE4291016473214C").is_err());
        signed.signature = "no base64".to_owned();
        assert!(signed.check(&public, "1JE4291016473214C", body).is_err());
    }
}
