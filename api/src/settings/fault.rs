//! Why settings are refused, each in one line that says what to do.

use std::path::PathBuf;

/// Why settings are refused. No text holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A variable that begins like ours and is none.
    #[error("{name} is set, but there is no such setting{hint}")]
    UnknownVariable {
        /// Its name.
        name: String,
        /// What may have been meant, as a half-sentence.
        hint: String,
    },
    /// A value and a file for the same setting.
    #[error("{name} and {name}_FILE are both set: keep one of them")]
    Twice {
        /// The variable's name.
        name: &'static str,
    },
    /// A file with a value can't be read.
    #[error("the file {path} that {name}_FILE names can't be read: {source}")]
    File {
        /// The variable's name.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Set, and empty.
    #[error("{name} is set, but empty: give it a value, or unset it")]
    Empty {
        /// The variable's name.
        name: &'static str,
    },
    /// A URL of another kind.
    #[error("{name} must begin with {expected}")]
    Scheme {
        /// The variable's name.
        name: &'static str,
        /// What it must begin with.
        expected: &'static str,
    },
    /// No URL of a Redis.
    #[error("REDIS_URL is no URL of a Redis such as redis://user:password@host:6379/0, or rediss:// for TLS")]
    Redis,
    /// No mail address.
    #[error("{name} is no mail address such as \"Leaf & Kettle <shop@example.com>\"")]
    Address {
        /// The variable's name.
        name: &'static str,
    },
    /// The mail server's settings.
    #[error(transparent)]
    Mail(#[from] Box<consumers::mail::MailError>),
    /// A line that is no `name=value`.
    #[error("line {line} of the Kafka properties is not of the form name=value")]
    Property {
        /// Which line, from 1.
        line: usize,
    },
    /// A setting of a Kafka that is not given.
    #[error("{name} is set, but the Kafka inside the process has no use for it: set KAFKA_BROKERS too, or unset it")]
    WithoutKafka {
        /// The variable's name.
        name: &'static str,
    },
    /// A part that needs a server of one's own.
    #[error("`orders {role}` needs {name}: {why}")]
    Needed {
        /// The command.
        role: &'static str,
        /// The variable's name.
        name: &'static str,
        /// Why.
        why: &'static str,
    },
    /// No URL of a collector.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT is no URL of a collector such as http://127.0.0.1:4318")]
    Collector,
    /// No headers.
    #[error("OTEL_EXPORTER_OTLP_HEADERS is not of the form name=value,name=value")]
    CollectorHeaders,
    /// PayPal's settings, where payments are not made by it.
    #[error("{name} is set, but payments are not made by PayPal: set ORDERS_PAYMENT_PROVIDER=paypal too, or unset it")]
    WithoutPayPal {
        /// The variable's name.
        name: &'static str,
    },
    /// Payments are made by PayPal, which takes more.
    #[error("{name} is needed with ORDERS_PAYMENT_PROVIDER=paypal: {what}")]
    NeededByPayPal {
        /// The variable's name.
        name: &'static str,
        /// What it is.
        what: &'static str,
    },
    /// The file of PayPal's certificate authority can't be read.
    #[error("the file {path} that PAYPAL_CA_FILE names can't be read: {source}")]
    PayPalAuthority {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// PayPal can't be used as it is set.
    #[error(transparent)]
    PayPal(#[from] crate::payments::paypal::PayPalError),
}
