//! What all pages of a process share.

use crate::app::App;
use http::{HeaderMap, header};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// What may be set for the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopSettings {
    /// The shop's name.
    pub name: String,
    /// Where visitors reach it, if that is known: scheme, host and port alone.
    pub public_url: Option<Url>,
    /// Where the pictures of products are; without it there are none.
    pub media: Option<PathBuf>,
}

impl Default for ShopSettings {
    fn default() -> Self {
        Self { name: "Leaf & Kettle".to_owned(), public_url: None, media: None }
    }
}

/// The settings, shared. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Frame(Arc<ShopSettings>);

impl Frame {
    /// Of these settings.
    pub fn new(settings: ShopSettings) -> Self {
        Self(Arc::new(settings))
    }

    /// The settings.
    pub fn settings(&self) -> &ShopSettings {
        &self.0
    }

    /// Whether visitors reach the shop by TLS, as far as that is known.
    pub fn is_secure(&self) -> bool {
        self.0.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

/// Where the shop is, as links to it begin: as is set, or as whoever asks reached it.
pub(crate) fn public_base(app: &App, headers: &HeaderMap) -> String {
    if let Some(url) = &app.frame.settings().public_url {
        return url.origin().ascii_serialization();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}")
}
