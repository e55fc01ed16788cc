//! The access token (OAuth 2.0, client credentials: RFC 6749 section 4.4), shared by all requests until it is about to
//! expire.

use super::super::provider::ProviderError;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

    fn is_good(&self) -> bool {
        Instant::now() < self.good_until
    }
}

/// What asking for a token comes to.
pub(super) type Granted = Result<Token, ProviderError>;

/// The token in use, or the request for one: all who need a token wait for the same request, and are told the same of
/// it.
#[derive(Default)]
pub(super) struct Tokens(Mutex<Option<Shared<BoxFuture<'static, Granted>>>>);

impl Tokens {
    /// The token; asked for if there is none that is good, and none is being asked for. Whoever stops to wait stops
    /// nobody else.
    pub(super) async fn get<F>(&self, ask: impl FnOnce() -> F) -> Result<Arc<str>, ProviderError>
    where
        F: Future<Output = Granted> + Send + 'static,
    {
        let asked = {
            let mut held = self.held();
            let usable = held.as_ref().filter(|asked| match asked.peek() {
                None => true,
                Some(granted) => granted.as_ref().is_ok_and(Token::is_good),
            });
            match usable {
                Some(asked) => asked.clone(),
                None => held.insert(on_its_own(ask())).clone(),
            }
        };
        asked.await.map(|token| token.text)
    }

    /// A token was refused: it is not used again.
    pub(super) fn forget(&self, refused: &str) {
        let mut held = self.held();
        let granted = held.as_ref().and_then(Shared::peek);
        if granted.is_some_and(|granted| granted.as_ref().is_ok_and(|token| *token.text == *refused)) {
            *held = None;
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Shared<BoxFuture<'static, Granted>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The request goes on also when nobody waits for it any more, and what goes wrong in it is told like a refusal.
fn on_its_own(ask: impl Future<Output = Granted> + Send + 'static) -> Shared<BoxFuture<'static, Granted>> {
    let asked = tokio::spawn(ask);
    let told = async { asked.await.unwrap_or_else(|ended| Err(ProviderError::Unavailable(ended.to_string()))) };
    told.boxed().shared()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn a_token_is_asked_for_once_until_it_is_about_to_expire() {
        let (tokens, asked) = (Tokens::default(), Arc::new(AtomicU32::new(0)));
        let get = async |lasts_s| {
            let asked = Arc::clone(&asked);
            let ask = || async move {
                let number = asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(Token::new(number.to_string(), Instant::now(), Duration::from_secs(lasts_s)))
            };
            tokens.get(ask).await.unwrap()
        };
        let (one, other) = tokio::join!(get(3_600), get(3_600));
        assert_eq!((&*one, &*other), ("0", "0"));
        tokens.forget("1");
        assert_eq!(&*get(59).await, "0", "another was refused");
        tokens.forget("0");
        assert_eq!(&*get(59).await, "1");
        assert_eq!(&*get(3_600).await, "2", "the one before was about to expire");
    }

    #[tokio::test]
    async fn those_who_wait_for_a_token_are_refused_together_and_whoever_goes_holds_nobody_up() {
        let (tokens, asked, answer) = (Tokens::default(), AtomicU32::new(0), Arc::new(Notify::new()));
        let get = || {
            tokens.get(|| {
                asked.fetch_add(1, Ordering::Relaxed);
                let answer = Arc::clone(&answer);
                async move {
                    answer.notified().await;
                    Err(ProviderError::Unavailable("it is away".to_owned()))
                }
            })
        };
        // The first to ask does not stay.
        assert!(get().now_or_never().is_none());
        let (mut one, mut other) = (Box::pin(get()), Box::pin(get()));
        assert!((&mut one).now_or_never().is_none() && (&mut other).now_or_never().is_none());
        answer.notify_one();
        let (one, other) = tokio::join!(one, other);
        assert!(one.is_err() && one == other, "{one:?}, {other:?}");
        assert_eq!(asked.load(Ordering::Relaxed), 1, "nobody asks in turn");
        answer.notify_one();
        assert!(get().await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed), 2, "but later it is asked anew");
    }
}
