//! Values that are never shown.

use std::fmt;

/// A text that may hold a password. `Debug` and `Display` hide it; [`Secret::expose`] is for the one who uses it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself. Never for a log, an error or a terminal.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A URL without its password: `postgres://shop@db:5432/orders`. What is no URL is not shown at all.
pub fn without_password(url: &Secret) -> String {
    let Some((scheme, rest)) = url.expose().split_once("://") else { return "…".to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // Parameters may hold passwords too.
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let shown = match authority.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    format!("{scheme}://{shown}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_secret_is_shown() {
        let secret = Secret::from("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "… …");
    }

    #[test]
    fn a_url_is_shown_without_passwords() {
        for (url, shown) in [
            ("postgres://shop:pa@ss@db:5432/orders?password=x", "postgres://shop@db:5432/orders"),
            ("smtps://user:secret@mail.example.com", "smtps://user@mail.example.com"),
            ("postgres://db/orders", "postgres://db/orders"),
            ("hunter2", "…"),
        ] {
            assert_eq!(without_password(&Secret::from(url)), shown);
        }
    }
}
