//! A certificate authority of our own and a server's certificate from it, made on the spot by the `openssl` program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::prerequisites::require;

/// The authority's certificate, to be handed to the client under test, and a certificate for `localhost` and 127.0.0.1.
#[derive(Debug, Clone)]
pub struct Certificates {
    directory: PathBuf,
}

impl Certificates {
    /// Makes both, valid for two days, in a directory that exists.
    ///
    /// # Panics
    /// When `openssl` is missing or fails.
    pub(crate) fn make(directory: &Path) -> Self {
        let certificates = Self { directory: directory.to_owned() };
        let (authority, authority_key) = (certificates.authority(), directory.join("authority.key"));
        request(&authority, &authority_key, "/CN=testkit authority")
            .args(["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"])
            .succeeds();
        request(&certificates.certificate(), &certificates.key(), "/CN=localhost")
            .arg("-CA")
            .arg(&authority)
            .arg("-CAkey")
            .arg(&authority_key)
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"])
            .succeeds();
        let chain = [certificates.certificate(), certificates.key()].map(|file| fs::read(file).expect("just written"));
        fs::write(certificates.certificate_and_key(), chain.concat()).expect("the directory can be written");
        certificates
    }

    /// The authority's certificate (PEM): whoever trusts it trusts the server. OpenSSL's clients take it from the
    /// environment variable `SSL_CERT_FILE`, librdkafka from `ssl.ca.location`.
    pub fn authority(&self) -> PathBuf {
        self.directory.join("authority.pem")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory.join("server.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.directory.join("server.key")
    }

    /// Both in one file, as Java reads it.
    pub(crate) fn certificate_and_key(&self) -> PathBuf {
        self.directory.join("server-with-key.pem")
    }
}

/// `openssl req` for a certificate with a fresh P-256 key.
fn request(certificate: &Path, key: &Path, subject: &str) -> Command {
    let mut command = Command::new(require("openssl", "openssl"));
    command
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"])
        // Not the system's configuration, which may add extensions of its own.
        .args(["-config", "/dev/null", "-subj", subject])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(certificate);
    command
}

trait Succeeds {
    fn succeeds(&mut self);
}

impl Succeeds for Command {
    fn succeeds(&mut self) {
        let output = self.output().expect("openssl can be started");
        assert!(output.status.success(), "openssl failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
