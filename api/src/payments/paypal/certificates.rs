//! The certificates that PayPal signs notices with: fetched from where the notice says, if that is PayPal's own,
//! checked to a trusted authority, and kept.
//!
//! The address stands in a header that anybody can send. So only hosts of the API that payments are made by are asked,
//! only over TLS, only below one path, a few at a time, and not again at once where there is none; and what they give
//! has to be a certificate of PayPal's name. Who sends made-up addresses waits for nothing, and has nobody else wait.

use super::super::provider::NoticeError;
use super::client::{bounded, described, is_passing};
use super::{LIVE, PayPalError};
use chrono::{DateTime, TimeDelta, Utc};
use commands::Clock;
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::stack::Stack;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyParam;
use openssl::x509::{X509, X509Ref, X509StoreContext};
use quick_cache::sync::Cache;
use std::sync::Arc;
use tokio::sync::Semaphore;
use url::Url;

/// The key that a notice is checked with.
pub(super) type SigningKey = PKey<Public>;

/// PayPal uses one certificate at a time, and changes it now and then.
const MAX_KEPT: usize = 8;
/// A certificate with its chain has some 10,000.
const MAX_BYTES: usize = 64 << 10;
/// How many are fetched at once. Those beyond that are not fetched: PayPal sends its notice again.
const MAX_FETCHES: usize = 4;
/// The most addresses that are remembered to lead to no certificate.
const MAX_MISSES: usize = 512;
/// How long it is remembered that there is none, or none of PayPal's.
const MISSED_FOR: TimeDelta = TimeDelta::seconds(60);
/// How long, that it could not be fetched: PayPal may be back soon.
const UNFETCHED_FOR: TimeDelta = TimeDelta::seconds(5);
/// Where certificates are, on PayPal's hosts.
const PATH: &str = "/v1/notifications/certs/";
/// What PayPal's sandbox is known by.
const SANDBOX: &str = "https://api-m.sandbox.paypal.com";
/// The longest name of a certificate there.
const MAX_NAME_BYTES: usize = 100;
/// Whose name a certificate bears that signs.
const NAME_ENDING: &str = ".paypal.com";
/// How strong the keys and signatures of a chain have to be: RSA of 2,048 bits and more, no SHA-1
/// (SSL_CTX_set_security_level(3ssl): 112 bits).
const SECURITY_LEVEL: i32 = 2;

/// See the module.
pub(super) struct Certificates {
    http: reqwest::Client,
    /// Scheme, host and port of those that are asked.
    origins: Vec<String>,
    roots: X509Store,
    kept: Cache<String, Arc<Certificate>>,
    misses: Cache<String, Miss>,
    fetches: Semaphore,
    clock: Clock,
}

/// What came of an address that led to no certificate.
#[derive(Clone)]
struct Miss {
    error: NoticeError,
    /// It is not asked again before.
    until: DateTime<Utc>,
}

/// A certificate whose chain was found good.
struct Certificate {
    certificate: X509,
    key: SigningKey,
}

impl Certificates {
    /// Those of the API at `base`. `authority` (PEM) is trusted besides the system's.
    pub(super) fn new(
        http: reqwest::Client,
        base: &Url,
        authority: Option<&[u8]>,
        clock: Clock,
    ) -> Result<Self, PayPalError> {
        let roots = roots(authority).map_err(|error| PayPalError::Tls(error.to_string()))?;
        let (kept, misses) = (Cache::new(MAX_KEPT), Cache::new(MAX_MISSES));
        let fetches = Semaphore::new(MAX_FETCHES);
        Ok(Self { http, origins: origins(base), roots, kept, misses, fetches, clock })
    }

    /// The key of the certificate at this address.
    pub(super) async fn get(&self, url: &str) -> Result<SigningKey, NoticeError> {
        let allowed = self.allowed(url)?;
        let found = self.kept.get_or_insert_async(url, self.fetch_unless_missed(url, allowed)).await?;
        // It may have expired since it was fetched.
        if !is_valid_now(&found.certificate).map_err(|error| NoticeError::Unchecked(error.to_string()))? {
            self.kept.remove(url);
            return Err(NoticeError::NotGenuine("the certificate is not valid now".to_owned()));
        }
        Ok(found.key.clone())
    }

    fn allowed(&self, url: &str) -> Result<Url, NoticeError> {
        let parsed = Url::parse(url).ok().filter(|parsed| {
            self.origins.contains(&parsed.origin().ascii_serialization())
                && parsed.path().strip_prefix(PATH).is_some_and(is_name)
                && parsed.query().is_none()
                && parsed.fragment().is_none()
                && parsed.username().is_empty()
                && parsed.password().is_none()
        });
        parsed.ok_or_else(|| NoticeError::NotGenuine("the certificate is not at PayPal's".to_owned()))
    }

    async fn fetch_unless_missed(&self, name: &str, url: Url) -> Result<Arc<Certificate>, NoticeError> {
        if let Some(miss) = self.misses.get(name).filter(|miss| self.clock.now() < miss.until) {
            return Err(miss.error);
        }
        let turn = self.fetches.try_acquire();
        let _turn = turn.map_err(|_| NoticeError::Unchecked("too many certificates are being fetched".to_owned()))?;
        let fetched = self.fetch(url).await;
        if let Err(error) = &fetched {
            let pause = if matches!(error, NoticeError::Unchecked(_)) { UNFETCHED_FOR } else { MISSED_FOR };
            self.misses.insert(name.to_owned(), Miss { error: error.clone(), until: self.clock.now() + pause });
        }
        fetched
    }

    async fn fetch(&self, url: Url) -> Result<Arc<Certificate>, NoticeError> {
        let failed = |error: reqwest::Error| NoticeError::Unchecked(described(&error.without_url()));
        let response = self.http.get(url).send().await.map_err(failed)?;
        let status = response.status();
        if status.is_client_error() && !is_passing(status) {
            return Err(NoticeError::NotGenuine(format!("there is no such certificate ({status})")));
        }
        if !status.is_success() {
            return Err(NoticeError::Unchecked(format!("the certificate could not be fetched ({status})")));
        }
        let pem = bounded(response, MAX_BYTES).await.map_err(failed)?;
        let pem = pem.ok_or_else(|| NoticeError::NotGenuine("the certificate is too long".to_owned()))?;
        Ok(Arc::new(self.checked(&pem)?))
    }

    /// A certificate with those that lead from it to a trusted authority.
    fn checked(&self, pem: &[u8]) -> Result<Certificate, NoticeError> {
        let unreadable = |error: ErrorStack| NoticeError::NotGenuine(format!("the certificate can't be read: {error}"));
        let mut certificates = X509::stack_from_pem(pem).map_err(unreadable)?.into_iter();
        let certificate =
            certificates.next().ok_or_else(|| NoticeError::NotGenuine("there is no certificate".to_owned()))?;
        let mut chain = Stack::new().map_err(unreadable)?;
        for issuer in certificates {
            chain.push(issuer).map_err(unreadable)?;
        }
        let mut context = X509StoreContext::new().map_err(unreadable)?;
        let verified = context.init(&self.roots, &certificate, &chain, |context| {
            let is_good = context.verify_cert()?;
            Ok(if is_good { Ok(()) } else { Err(context.error().error_string()) })
        });
        verified
            .map_err(unreadable)?
            .map_err(|why| NoticeError::NotGenuine(format!("the certificate is not trusted: {why}")))?;
        if !is_paypals(&certificate) {
            return Err(NoticeError::NotGenuine("the certificate bears another name than PayPal's".to_owned()));
        }
        let key = certificate.public_key().map_err(unreadable)?;
        if key.id() != Id::RSA {
            return Err(NoticeError::NotGenuine("the certificate has no RSA key".to_owned()));
        }
        Ok(Certificate { certificate, key })
    }
}

fn roots(authority: Option<&[u8]>) -> Result<X509Store, ErrorStack> {
    let mut roots = X509StoreBuilder::new()?;
    roots.set_default_paths()?;
    let mut strength = X509VerifyParam::new()?;
    strength.set_auth_level(SECURITY_LEVEL);
    roots.set_param(&strength)?;
    if let Some(pem) = authority {
        for certificate in X509::stack_from_pem(pem)? {
            roots.add_cert(certificate)?;
        }
    }
    Ok(roots.build())
}

/// The origins whose certificates sign for the API at `base`: what PayPal's sandbox signs is worth nothing in the shop
/// itself.
fn origins(base: &Url) -> Vec<String> {
    let base = base.origin().ascii_serialization();
    match base.as_str() {
        LIVE => vec!["https://api.paypal.com".to_owned(), base],
        SANDBOX => vec!["https://api.sandbox.paypal.com".to_owned(), base],
        _ => vec![base],
    }
}

/// Whether this is one part of a path, and nothing that a server could take for more.
fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_valid_now(certificate: &X509Ref) -> Result<bool, ErrorStack> {
    let now = Asn1Time::days_from_now(0)?;
    Ok(certificate.not_before() <= &*now && &*now <= certificate.not_after())
}

fn is_paypals(certificate: &X509Ref) -> bool {
    let mut names = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
    names.any(|name| name.data().to_string().is_ok_and(|name| name.to_ascii_lowercase().ends_with(NAME_ENDING)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(base: &str, url: &str) -> bool {
        let (http, base) = (reqwest::Client::new(), base.parse().unwrap());
        let certificates = Certificates::new(http, &base, None, Clock::system()).unwrap();
        certificates.allowed(url).is_ok()
    }

    #[test]
    fn certificates_are_fetched_from_paypal_alone() {
        for url in [
            "https://api.paypal.com/v1/notifications/certs/CERT-360caa42",
            "https://api-m.paypal.com/v1/notifications/certs/C",
        ] {
            assert!(allows(LIVE, url), "{url}");
        }
        for url in [
            "http://api.paypal.com/v1/notifications/certs/C",
            "https://api.sandbox.paypal.com/v1/notifications/certs/C",
            "https://api.paypal.com.evil.test/v1/notifications/certs/C",
            "https://evil.test/v1/notifications/certs/C",
            "https://api.paypal.com:8443/v1/notifications/certs/C",
            "https://api.paypal.com@evil.test/v1/notifications/certs/C",
            "https://user@api.paypal.com/v1/notifications/certs/C",
            "https://api.paypal.com/v1/notifications/certs/../../elsewhere",
            "https://api.paypal.com/v1/notifications/certs/..%2f..%2felsewhere",
            "https://api.paypal.com/v1/notifications/certs/C/D",
            "https://api.paypal.com/v1/notifications/certs/",
            "https://api.paypal.com/v1/notifications/certs/C?x=1",
            "https://api.paypal.com/v1/notifications/certs/C#x",
            "https://:secret@api.paypal.com/v1/notifications/certs/C",
            "https://api.paypal.com./v1/notifications/certs/C",
            "https://api.paypal.com/elsewhere",
            "file:///etc/passwd",
            "",
        ] {
            assert!(!allows(LIVE, url), "{url}");
        }
    }

    #[test]
    fn each_environment_has_its_own() {
        assert!(allows(SANDBOX, "https://api.sandbox.paypal.com/v1/notifications/certs/C"));
        assert!(!allows(SANDBOX, "https://api.paypal.com/v1/notifications/certs/C"));
        assert!(allows("http://127.0.0.1:4000", "http://127.0.0.1:4000/v1/notifications/certs/C"));
        assert!(!allows("http://127.0.0.1:4000", "http://127.0.0.1:4001/v1/notifications/certs/C"));
        assert!(!allows("http://127.0.0.1:4000", "https://api.paypal.com/v1/notifications/certs/C"));
    }
}
