//! The access token (OAuth 2.0, client credentials: RFC 6749 section 4.4), shared by all requests until it is about to expire.

use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A token is exchanged this long before it expires, so that none expires on its way.
const BEFORE: Duration = Duration::from_secs(60);

/// A token as PayPal gave it.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) text: Arc<str>,
    good_until: Instant,
}

impl Token {
    /// One that was asked for at `asked_at`, and is good for so long.
    pub(super) fn new(text: String, asked_at: Instant, lasts: Duration) -> Self {
        let good_until = asked_at.checked_add(lasts.saturating_sub(BEFORE)).unwrap_or(asked_at);
        Self { text: text.into(), good_until }
    }
}

/// The token in use.
#[derive(Default)]
pub(super) struct Tokens(Mutex<Option<Token>>);

impl Tokens {
    /// The token; asked for if there is none that is good. Those who need one at the same time wait for one request.
    pub(super) async fn get<E>(&self, ask: impl AsyncFnOnce() -> Result<Token, E>) -> Result<Arc<str>, E> {
        let mut held = self.0.lock().await;
        if let Some(token) = held.as_ref().filter(|token| Instant::now() < token.good_until) {
            return Ok(Arc::clone(&token.text));
        }
        let token = ask().await?;
        let text = Arc::clone(&token.text);
        *held = Some(token);
        Ok(text)
    }

    /// A token was refused: it is not used again.
    pub(super) async fn forget(&self, refused: &str) {
        let mut held = self.0.lock().await;
        if held.as_ref().is_some_and(|token| *token.text == *refused) {
            *held = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_token_is_asked_for_once_until_it_is_about_to_expire() {
        let (tokens, asked) = (Tokens::default(), AtomicU32::new(0));
        let get = async |lasts_s| {
            let ask = async || {
                let number = asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(Token::new(number.to_string(), Instant::now(), Duration::from_secs(lasts_s)))
            };
            tokens.get(ask).await.unwrap()
        };
        let (one, other) = tokio::join!(get(3_600), get(3_600));
        assert_eq!((&*one, &*other), ("0", "0"));
        tokens.forget("1").await;
        assert_eq!(&*get(59).await, "0", "another was refused");
        tokens.forget("0").await;
        assert_eq!(&*get(59).await, "1");
        assert_eq!(&*get(3_600).await, "2", "the one before was about to expire");
    }
}
