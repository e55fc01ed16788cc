//! How payments are made: the settings, and what becomes of them.

use super::{Secret, SettingsError, is_this_machine, value_or_file};
use crate::payments::ChosenProvider;
use crate::payments::paypal::{self, Patience, PayPal, PayPalSettings};
use clap::{Args, ValueEnum};
use commands::Clock;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// Who takes payments on the shop's pages.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Payments")]
pub struct ProviderArgs {
    /// Who takes payments on the shop's pages: sandbox (a test page, no money moves), paypal, or none [default: sandbox
    /// on the private PostgreSQL, else none]
    #[arg(
        long,
        value_name = "NAME",
        env = "ORDERS_PAYMENT_PROVIDER",
        hide_env_values = true,
        hide_possible_values = true
    )]
    pub payment_provider: Option<ProviderName>,
}

impl ProviderArgs {
    /// Who that is. `is_private` says whether the database is the one that the program brings along.
    pub fn name(&self, is_private: bool) -> ProviderName {
        match self.payment_provider {
            Some(name) => name,
            None if is_private => ProviderName::Sandbox,
            None => ProviderName::None,
        }
    }
}

/// How orders are paid on the shop's pages.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Payments")]
pub struct PaymentArgs {
    /// Who takes them.
    #[command(flatten)]
    pub provider: ProviderArgs,
    /// PayPal's API; https://api-m.sandbox.paypal.com for its own sandbox
    #[arg(long, value_name = "URL", env = "PAYPAL_BASE_URL", hide_env_values = true, default_value = paypal::LIVE,
          value_parser = api_url)]
    pub paypal_base_url: Url,
    /// What PayPal knows the shop by
    #[arg(long, value_name = "ID", env = "PAYPAL_CLIENT_ID", hide_env_values = true)]
    pub paypal_client_id: Option<String>,
    /// What proves that to PayPal
    #[arg(long, value_name = "SECRET", env = "PAYPAL_CLIENT_SECRET", hide_env_values = true)]
    pub paypal_client_secret: Option<Secret>,
    /// File that holds it
    #[arg(long, value_name = "FILE", env = "PAYPAL_CLIENT_SECRET_FILE", hide_env_values = true)]
    pub paypal_client_secret_file: Option<PathBuf>,
    /// What PayPal knows our webhook by, once its address /payments/paypal/webhook is entered there
    #[arg(long, value_name = "ID", env = "PAYPAL_WEBHOOK_ID", hide_env_values = true)]
    pub paypal_webhook_id: Option<String>,
    /// Certificate authority (PEM) of PayPal's API and of its notices' signatures, trusted besides the system's: for
    /// tests
    #[arg(long, value_name = "FILE", env = "PAYPAL_CA_FILE", hide_env_values = true)]
    pub paypal_ca_file: Option<PathBuf>,
}

/// Who takes payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProviderName {
    /// A test page
    Sandbox,
    /// PayPal
    #[value(name = "paypal")]
    PayPal,
    /// Nobody
    None,
}

impl PaymentArgs {
    /// Who takes payments, at a shop with this public address. `is_private` says whether the database is the one that
    /// the program brings along. Touches nothing yet.
    pub fn provider(&self, public_url: Option<&Url>, is_private: bool) -> Result<ChosenProvider, SettingsError> {
        let name = self.provider.name(is_private);
        if name == ProviderName::PayPal {
            return Ok(ChosenProvider::Other(Arc::new(self.paypal(public_url)?)));
        }
        if let Some(name) = self.of_paypal() {
            return Err(SettingsError::WithoutPayPal { name });
        }
        if name == ProviderName::None {
            return Ok(ChosenProvider::None);
        }
        if !is_private {
            tracing::warn!("payments are made by the sandbox, so whoever orders here need not pay: this is for tests");
        }
        Ok(ChosenProvider::Sandbox)
    }

    fn paypal(&self, public_url: Option<&Url>) -> Result<PayPal, SettingsError> {
        let needed = |name, what| SettingsError::NeededByPayPal { name, what };
        let file = self.paypal_client_secret_file.as_deref();
        let secret = value_or_file("PAYPAL_CLIENT_SECRET", self.paypal_client_secret.as_ref(), file)?;
        let text = |name, value: &Option<String>, what| match value.as_deref() {
            None => Err(needed(name, what)),
            Some("") => Err(SettingsError::Empty { name }),
            Some(text) => Ok(text.to_owned()),
        };
        let client_id = text("PAYPAL_CLIENT_ID", &self.paypal_client_id, "what PayPal knows the shop by")?;
        let client_secret =
            secret.ok_or_else(|| needed("PAYPAL_CLIENT_SECRET", "what proves to PayPal that it is the shop"))?;
        let webhook_id = text(
            "PAYPAL_WEBHOOK_ID",
            &self.paypal_webhook_id,
            "what PayPal knows the webhook by, without which its notices can't be checked",
        )?;
        // Customers come back from PayPal, which is on another machine than a test's own.
        if public_url.is_none() && !is_this_machine(&self.paypal_base_url) {
            return Err(needed("ORDERS_PUBLIC_URL", "where PayPal sends customers back to"));
        }
        let authority = self
            .paypal_ca_file
            .as_ref()
            .map(|path| fs::read(path).map_err(|source| SettingsError::PayPalAuthority { path: path.clone(), source }));
        let settings = PayPalSettings {
            base_url: self.paypal_base_url.clone(),
            client_id,
            client_secret,
            webhook_id,
            authority: authority.transpose()?,
            patience: Patience::default(),
            clock: Clock::system(),
        };
        Ok(PayPal::new(settings)?)
    }

    /// A setting that has no meaning where payments are not made by PayPal: somebody forgot the one that says so.
    fn of_paypal(&self) -> Option<&'static str> {
        let given = [
            ("PAYPAL_CLIENT_ID", self.paypal_client_id.is_some()),
            ("PAYPAL_CLIENT_SECRET", self.paypal_client_secret.is_some()),
            ("PAYPAL_CLIENT_SECRET_FILE", self.paypal_client_secret_file.is_some()),
            ("PAYPAL_WEBHOOK_ID", self.paypal_webhook_id.is_some()),
        ];
        given.into_iter().find_map(|(name, is_given)| is_given.then_some(name))
    }
}

/// The address of an API: scheme, host and port, by TLS unless it is on this machine.
fn api_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| {
        url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && (url.scheme() == "https" || (url.scheme() == "http" && is_this_machine(url)))
    });
    url.ok_or_else(|| "it is no URL of a host alone that is reached by https".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        payments: PaymentArgs,
    }

    fn chosen(arguments: &[&str], is_private: bool) -> Result<ChosenProvider, String> {
        let program = Program::try_parse_from([&["orders"], arguments].concat()).map_err(|error| error.to_string())?;
        let shop = "https://shop.test".parse().unwrap();
        program.payments.provider(Some(&shop), is_private).map_err(|error| error.to_string())
    }

    const PAYPAL: [&str; 4] =
        ["--paypal-client-id=A", "--paypal-client-secret=B", "--paypal-webhook-id=C", "--payment-provider=paypal"];

    #[test]
    fn the_sandbox_is_the_private_database_s_alone_unless_it_is_asked_for() {
        assert!(matches!(chosen(&[], true), Ok(ChosenProvider::Sandbox)));
        assert!(matches!(chosen(&[], false), Ok(ChosenProvider::None)));
        assert!(matches!(chosen(&["--payment-provider=sandbox"], false), Ok(ChosenProvider::Sandbox)));
        assert!(matches!(chosen(&["--payment-provider=none"], true), Ok(ChosenProvider::None)));
        assert!(matches!(chosen(&PAYPAL, false), Ok(ChosenProvider::Other(_))));
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        for (left_out, name) in [(0, "PAYPAL_CLIENT_ID"), (1, "PAYPAL_CLIENT_SECRET"), (2, "PAYPAL_WEBHOOK_ID")] {
            let mut arguments = PAYPAL.to_vec();
            arguments.remove(left_out);
            let error = chosen(&arguments, false).err().unwrap();
            assert!(error.contains(name), "{error}");
        }
        let error = chosen(&["--paypal-client-id=A"], true).err().unwrap();
        assert!(error.contains("PAYPAL_CLIENT_ID") && error.contains("ORDERS_PAYMENT_PROVIDER=paypal"), "{error}");
        let error = chosen(&[&PAYPAL[1..], &["--paypal-client-id="]].concat(), true).err().unwrap();
        assert!(error.contains("PAYPAL_CLIENT_ID is set, but empty"), "{error}");
    }

    #[test]
    fn an_api_is_reached_by_tls_or_on_this_machine() {
        for url in
            ["https://api-m.sandbox.paypal.com", "http://127.0.0.1:4000", "http://localhost:4000/", "http://[::1]:1"]
        {
            assert!(api_url(url).is_ok(), "{url}");
        }
        for url in ["http://api-m.paypal.com", "https://u:p@api-m.paypal.com", "https://a.test/v1", "ftp://a.test", "a"]
        {
            assert!(api_url(url).is_err(), "{url}");
        }
    }
}
