//! An authority of the fake's own, and the certificate that it signs notices with.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::extension::{BasicConstraints, KeyUsage};
use openssl::x509::{X509, X509Name, X509NameRef};
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::process::Directory;

/// Whose name PayPal's own certificate bears.
const NAME: &str = "messageverificationcerts.paypal.com";
const RSA_BITS: u32 = 2_048;

/// Made once for all tests of a process: making RSA keys takes a moment.
#[derive(Debug, Clone)]
pub(super) struct Certificates {
    made: &'static Made,
}

#[derive(Debug)]
struct Made {
    authority: X509,
    certificate: X509,
    key: PKey<Private>,
    directory: Directory,
}

impl Certificates {
    pub(super) fn shared() -> Self {
        static MADE: OnceLock<Made> = OnceLock::new();
        Self { made: MADE.get_or_init(Made::make) }
    }

    pub(super) fn authority_pem(&self) -> Vec<u8> {
        self.made.authority.to_pem().expect("PEM")
    }

    pub(super) fn authority_file(&self) -> PathBuf {
        self.made.directory.join("authority.pem")
    }

    /// The certificate and the authority's, as PayPal gives the chain.
    pub(super) fn chain_pem(&self) -> Vec<u8> {
        [self.made.certificate.to_pem().expect("PEM"), self.authority_pem()].concat()
    }

    /// The RSA-SHA-256 signature of a text.
    pub(super) fn sign(&self, text: &str) -> Vec<u8> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.made.key).expect("a signer");
        signer.sign_oneshot_to_vec(text.as_bytes()).expect("a signature")
    }
}

impl Made {
    fn make() -> Self {
        let (authority_key, key) = (rsa(), rsa());
        let authority = certificate("testkit payment authority", &authority_key, None);
        let certificate = certificate(NAME, &key, Some((&authority, &*authority_key)));
        let directory = Directory::new("paypal", None);
        fs::write(directory.join("authority.pem"), authority.to_pem().expect("PEM")).expect("a directory of ours");
        Self { authority, certificate, key, directory }
    }
}

fn rsa() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(RSA_BITS).expect("a key")).expect("a key")
}

/// A certificate, good for two days: an authority's own, or one of an authority's.
fn certificate(name: &str, key: &PKey<Private>, issuer: Option<(&X509, &PKeyRef<Private>)>) -> X509 {
    let name = named(name);
    let issuer_name: &X509NameRef = issuer.map_or(&*name, |(issuer, _)| issuer.subject_name());
    let mut serial = BigNum::new().expect("a number");
    serial.rand(127, MsbOption::MAYBE_ZERO, false).expect("randomness");
    let mut builder = X509::builder().expect("a builder");
    let built: Result<(), openssl::error::ErrorStack> = (|| {
        builder.set_version(2)?;
        builder.set_serial_number(&*serial.to_asn1_integer()?)?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(issuer_name)?;
        builder.set_pubkey(key)?;
        builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
        builder.set_not_after(&*Asn1Time::days_from_now(2)?)?;
        let mut constraints = BasicConstraints::new();
        constraints.critical();
        let mut usage = KeyUsage::new();
        usage.critical();
        if issuer.is_none() {
            constraints.ca();
            usage.key_cert_sign().crl_sign();
        } else {
            usage.digital_signature();
        }
        builder.append_extension(constraints.build()?)?;
        builder.append_extension(usage.build()?)?;
        builder.sign(issuer.map_or(&**key, |(_, key)| key), MessageDigest::sha256())
    })();
    built.expect("a certificate");
    builder.build()
}

fn named(name: &str) -> X509Name {
    let mut builder = X509Name::builder().expect("a builder");
    builder.append_entry_by_text("CN", name).expect("a name");
    builder.build()
}
