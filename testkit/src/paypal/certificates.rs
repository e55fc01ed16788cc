//! An authority of the fake's own, the certificate that it signs notices with, and those that a forger would.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::extension::{BasicConstraints, KeyUsage};
use openssl::x509::{X509, X509Name, X509NameRef};
use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::process::Directory;

/// Whose name PayPal's own certificate bears.
const NAME: &str = "messageverificationcerts.paypal.com";
const RSA_BITS: u32 = 2_048;
const WEAK_RSA_BITS: u32 = 1_024;
/// More than a certificate with its chain has, by far.
const LONG_BYTES: usize = 100 << 10;
const DAY_S: i64 = 24 * 60 * 60;
/// From when until when a certificate is good, in days from now.
const GOOD: Range<i64> = -1..2;

/// What a notice is signed with, and what is at the address of the certificate that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Credential {
    /// PayPal's own.
    #[default]
    Genuine,
    /// One that was PayPal's until yesterday.
    Expired,
    /// One that is PayPal's from tomorrow on.
    NotYetValid,
    /// One of a trusted authority, for somebody else.
    OtherName,
    /// One that nobody vouches for.
    SelfSigned,
    /// One of an authority that nobody trusts, sent along.
    ForeignRoot,
    /// One that PayPal's own certificate vouches for, which is no authority.
    IssuedByLeaf,
    /// One of a trusted authority, with a key that can be broken.
    WeakKey,
    /// One of a trusted authority, with a key of another kind.
    OtherKind,
    /// PayPal's own signature, and at the address of its certificate no certificate.
    NoCertificate,
    /// The same, and far more than a certificate.
    TooLong,
    /// The same, and a redirect to the certificate.
    Moved,
}

impl Credential {
    /// All that are not PayPal's.
    pub const FORGED: [Self; 11] = [
        Self::Expired,
        Self::NotYetValid,
        Self::OtherName,
        Self::SelfSigned,
        Self::ForeignRoot,
        Self::IssuedByLeaf,
        Self::WeakKey,
        Self::OtherKind,
        Self::NoCertificate,
        Self::TooLong,
        Self::Moved,
    ];

    /// The name of its certificate, in the address.
    pub(super) fn file(self) -> String {
        match self {
            Self::Genuine => "CERT-360caa42".to_owned(),
            forged => format!("CERT-{forged:?}"),
        }
    }

    pub(super) fn of_file(file: &str) -> Option<Self> {
        std::iter::once(Self::Genuine).chain(Self::FORGED).find(|credential| credential.file() == file)
    }
}

/// Made once for all tests of a process: making RSA keys takes a moment.
#[derive(Debug, Clone)]
pub(super) struct Certificates {
    made: &'static Made,
}

#[derive(Debug)]
struct Made {
    authority: X509,
    held: HashMap<Credential, Held>,
    directory: Directory,
}

/// What its holder has.
#[derive(Debug)]
struct Held {
    key: PKey<Private>,
    /// The certificate, and what leads from it to an authority.
    pem: Vec<u8>,
}

impl Certificates {
    pub(super) fn shared() -> Self {
        static MADE: OnceLock<Made> = OnceLock::new();
        Self { made: MADE.get_or_init(|| Made::make().expect("keys and certificates")) }
    }

    pub(super) fn authority_pem(&self) -> Vec<u8> {
        self.made.authority.to_pem().expect("PEM")
    }

    pub(super) fn authority_file(&self) -> PathBuf {
        self.made.directory.join("authority.pem")
    }

    /// What is at the address of a certificate.
    pub(super) fn file(&self, credential: Credential) -> Vec<u8> {
        match credential {
            Credential::NoCertificate => b"-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n".to_vec(),
            Credential::TooLong => [self.held(credential).pem.clone(), vec![b'\n'; LONG_BYTES]].concat(),
            credential => self.held(credential).pem.clone(),
        }
    }

    /// The SHA-256 signature of a text.
    pub(super) fn sign(&self, credential: Credential, text: &str) -> Vec<u8> {
        let key = &self.held(credential).key;
        let mut signer = Signer::new(MessageDigest::sha256(), key).expect("a signer");
        signer.sign_oneshot_to_vec(text.as_bytes()).expect("a signature")
    }

    fn held(&self, credential: Credential) -> &Held {
        self.made.held.get(&credential).unwrap_or_else(|| &self.made.held[&Credential::Genuine])
    }
}

impl Made {
    fn make() -> Result<Self, ErrorStack> {
        let (authority_key, key, weak_key) = (rsa(RSA_BITS)?, rsa(RSA_BITS)?, rsa(WEAK_RSA_BITS)?);
        let (foreign_key, elliptic_key) = (elliptic()?, elliptic()?);
        let authority = Wanted::authority("testkit payment authority", &authority_key).issue(None)?;
        let foreign = Wanted::authority("another authority", &foreign_key).issue(None)?;
        let (trusted, untrusted) = (Some((&authority, &*authority_key)), Some((&foreign, &*foreign_key)));
        let genuine = Wanted::leaf(&key).issue(trusted)?;
        let expired = Wanted { days: -3..-1, ..Wanted::leaf(&key) }.issue(trusted)?;
        let not_yet_valid = Wanted { days: 1..3, ..Wanted::leaf(&key) }.issue(trusted)?;
        let other_name = Wanted { name: "paypal.com.evil.test", ..Wanted::leaf(&key) }.issue(trusted)?;
        let self_signed = Wanted::leaf(&key).issue(None)?;
        let of_foreign = Wanted::leaf(&key).issue(untrusted)?;
        let below = Wanted { name: "below.messageverificationcerts.paypal.com", ..Wanted::leaf(&key) };
        let of_leaf = below.issue(Some((&genuine, &*key)))?;
        let weak = Wanted::leaf(&weak_key).issue(trusted)?;
        let elliptic = Wanted::leaf(&elliptic_key).issue(trusted)?;
        let mut held = HashMap::new();
        for (credential, key, chain) in [
            (Credential::Genuine, &key, vec![&genuine, &authority]),
            (Credential::Expired, &key, vec![&expired, &authority]),
            (Credential::NotYetValid, &key, vec![&not_yet_valid, &authority]),
            (Credential::OtherName, &key, vec![&other_name, &authority]),
            (Credential::SelfSigned, &key, vec![&self_signed]),
            (Credential::ForeignRoot, &key, vec![&of_foreign, &foreign]),
            (Credential::IssuedByLeaf, &key, vec![&of_leaf, &genuine, &authority]),
            (Credential::WeakKey, &weak_key, vec![&weak, &authority]),
            (Credential::OtherKind, &elliptic_key, vec![&elliptic, &authority]),
        ] {
            let pem: Result<Vec<Vec<u8>>, ErrorStack> = chain.iter().map(|certificate| certificate.to_pem()).collect();
            held.insert(credential, Held { key: key.clone(), pem: pem?.concat() });
        }
        let directory = Directory::new("paypal", None);
        fs::write(directory.join("authority.pem"), authority.to_pem()?).expect("a directory of ours");
        Ok(Self { authority, held, directory })
    }
}

fn rsa(bits: u32) -> Result<PKey<Private>, ErrorStack> {
    PKey::from_rsa(Rsa::generate(bits)?)
}

fn elliptic() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

/// A certificate to be made.
struct Wanted<'w> {
    name: &'w str,
    key: &'w PKeyRef<Private>,
    is_authority: bool,
    days: Range<i64>,
}

impl<'w> Wanted<'w> {
    fn authority(name: &'w str, key: &'w PKeyRef<Private>) -> Self {
        Self { name, key, is_authority: true, days: GOOD }
    }

    fn leaf(key: &'w PKeyRef<Private>) -> Self {
        Self { name: NAME, key, is_authority: false, days: GOOD }
    }

    /// Has it signed by an issuer, or by its own key.
    fn issue(&self, issuer: Option<(&X509, &PKeyRef<Private>)>) -> Result<X509, ErrorStack> {
        let name = named(self.name)?;
        let issuer_name: &X509NameRef = issuer.map_or(&*name, |(issuer, _)| issuer.subject_name());
        let mut serial = BigNum::new()?;
        serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        builder.set_serial_number(&*serial.to_asn1_integer()?)?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(issuer_name)?;
        builder.set_pubkey(self.key)?;
        builder.set_not_before(&*days_from_now(self.days.start)?)?;
        builder.set_not_after(&*days_from_now(self.days.end)?)?;
        let mut constraints = BasicConstraints::new();
        constraints.critical();
        let mut usage = KeyUsage::new();
        usage.critical();
        if self.is_authority {
            constraints.ca();
            usage.key_cert_sign().crl_sign();
        } else {
            usage.digital_signature();
        }
        builder.append_extension(constraints.build()?)?;
        builder.append_extension(usage.build()?)?;
        builder.sign(issuer.map_or(self.key, |(_, key)| key), MessageDigest::sha256())?;
        Ok(builder.build())
    }
}

fn days_from_now(days: i64) -> Result<Asn1Time, ErrorStack> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a year after 1970").as_secs();
    let now = i64::try_from(now).expect("a year that a clock can show");
    Asn1Time::from_unix(now + days * DAY_S)
}

fn named(name: &str) -> Result<X509Name, ErrorStack> {
    let mut builder = X509Name::builder()?;
    builder.append_entry_by_text("CN", name)?;
    Ok(builder.build())
}
