//! Requests of PayPal's API: with a token, bounded in time and size, and sent again where that can help.

use super::super::provider::{ASK_AT_MOST, ProviderError};
use super::orders::Refusal;
use super::token::{Granted, Token, Tokens};
use super::{Patience, PayPalError, PayPalSettings, unreadable};
use crate::settings::Secret;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use rand::Rng;
use reqwest::{Certificate, Response, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// How long a connection may take to be made.
const CONNECT_AT_MOST: Duration = Duration::from_secs(5);
/// The most bytes of an answer. An order with all its parts has a few thousand.
const MAX_ANSWER_BYTES: usize = 256 << 10;
/// The longest that PayPal may have us wait before a request is sent again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A pause is up to so many times as long as it would be.
pub(super) const MOST_JITTER: f64 = 1.5;
/// How long a connection is kept that nobody uses.
const IDLE_AT_MOST: Duration = Duration::from_secs(30);

/// What PayPal answers.
#[derive(Debug)]
pub(super) enum Reply<T> {
    /// What was asked for, or made.
    Done(Box<T>),
    /// There is no such thing.
    NotFound,
    /// A refusal, by PayPal's name of it.
    Refused(String),
}

/// What is asked of PayPal.
pub(super) struct Request {
    pub(super) method: Method,
    /// Where, below the API's address.
    pub(super) path: String,
    /// JSON.
    pub(super) body: Option<String>,
    /// What makes it one request, however often it is sent.
    pub(super) request_id: Option<String>,
}

impl Request {
    /// One that changes nothing.
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: None, request_id: None }
    }
}

/// PayPal's API.
pub(super) struct Client {
    connection: Arc<Connection>,
    tokens: Tokens,
}

/// How it is reached.
struct Connection {
    http: reqwest::Client,
    base: Url,
    id: String,
    secret: Secret,
    patience: Patience,
}

/// What speaks HTTP with PayPal. Follows no redirects: an answer comes from whom it was asked of.
pub(super) fn http(settings: &PayPalSettings) -> Result<reqwest::Client, PayPalError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_native()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_AT_MOST)
        .timeout(settings.patience.answer)
        .pool_idle_timeout(IDLE_AT_MOST)
        .no_proxy();
    if let Some(pem) = &settings.authority {
        let authority = Certificate::from_pem_bundle(pem).map_err(|_| PayPalError::Authority)?;
        builder = builder.tls_certs_merge(authority);
    }
    builder.build().map_err(|error| PayPalError::Tls(error.to_string()))
}

impl Client {
    pub(super) fn new(http: reqwest::Client, settings: PayPalSettings) -> Self {
        let PayPalSettings { base_url, client_id, client_secret, patience, .. } = settings;
        let connection = Connection { http, base: base_url, id: client_id, secret: client_secret, patience };
        Self { connection: Arc::new(connection), tokens: Tokens::default() }
    }

    /// By when a request has to be given up, so that there is time to look what became of it.
    pub(super) fn leaving_time_to_look(&self, until: Instant) -> Instant {
        let left = until.saturating_duration_since(Instant::now());
        let to_look = self.connection.patience.answer.min(left / 3);
        until.checked_sub(to_look).unwrap_or(until)
    }

    /// Sends a request, again where the answer is lost or PayPal is busy: its id makes that one request. Gives up by
    /// `until`.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        request: &Request,
        until: Instant,
    ) -> Result<Reply<T>, ProviderError> {
        let (mut renewed, mut tried) = (false, 1);
        loop {
            let token = in_time(until, self.token()).await??;
            let failure = match in_time(until, self.connection.try_once(request, &token)).await? {
                Ok(Answer::Settled(reply)) => return Ok(reply),
                Ok(Answer::Unauthorized) if !renewed => {
                    renewed = true;
                    self.tokens.forget(&token);
                    continue;
                }
                Ok(Answer::Unauthorized) => return Err(ProviderError::Refused("AUTHENTICATION_FAILURE".to_owned())),
                Err(failure) => failure,
            };
            let Some(pause) = self.connection.again(tried, &failure, until) else { return Err(failure.error) };
            tracing::info!(error = %failure.error, tried, what = what(&request.path), "PayPal is asked again");
            tokio::time::sleep(pause).await;
            tried += 1;
        }
    }

    async fn token(&self) -> Result<Arc<str>, ProviderError> {
        let connection = &self.connection;
        self.tokens.get(|| Arc::clone(connection).ask_for_token()).await
    }
}

impl Connection {
    async fn try_once<T: DeserializeOwned>(&self, asked: &Request, token: &str) -> Result<Answer<T>, Failure> {
        let mut request = self.http.request(asked.method.clone(), self.url(&asked.path)?).bearer_auth(token);
        // The whole order: the short answer does not say what was captured.
        request = request.header("prefer", "return=representation");
        if let Some(body) = &asked.body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        }
        if let Some(id) = &asked.request_id {
            request = request.header("paypal-request-id", id);
        }
        let (status, headers, body) = exchange(request).await?;
        match status {
            StatusCode::OK | StatusCode::CREATED => {
                let done = serde_json::from_slice(&body).map_err(|error| Failure::later(unreadable(&shape(&error))))?;
                Ok(Answer::Settled(Reply::Done(Box::new(done))))
            }
            StatusCode::UNAUTHORIZED => Ok(Answer::Unauthorized),
            StatusCode::NOT_FOUND => Ok(Answer::Settled(Reply::NotFound)),
            status if is_passing(status) => Err(Failure::of_status(status, &headers)),
            status if status.is_client_error() => {
                let refusal: Result<Refusal, _> = serde_json::from_slice(&body);
                let issue = refusal.map_or_else(|_| format!("HTTP_{}", status.as_u16()), |refusal| refusal.issue());
                tracing::info!(issue, %status, what = what(&asked.path), "PayPal refuses");
                Ok(Answer::Settled(Reply::Refused(issue)))
            }
            status => Err(Failure::for_good(unreadable(&format!("its status is {status}")))),
        }
    }

    /// Those who need a token have times of their own: this one is bounded by PayPal's patience alone.
    async fn ask_for_token(self: Arc<Self>) -> Granted {
        let until = Instant::now() + ASK_AT_MOST;
        let mut tried = 1;
        loop {
            let failure = match self.new_token().await {
                Ok(token) => return Ok(token),
                Err(failure) => failure,
            };
            let Some(pause) = self.again(tried, &failure, until) else { return Err(failure.error) };
            tokio::time::sleep(pause).await;
            tried += 1;
        }
    }

    async fn new_token(&self) -> Result<Token, Failure> {
        #[derive(Deserialize)]
        struct Grant {
            access_token: String,
            expires_in: u64,
        }
        let asked_at = std::time::Instant::now();
        let request = self
            .http
            .post(self.url("/v1/oauth2/token")?)
            .basic_auth(&self.id, Some(self.secret.expose()))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let (status, headers, body) = exchange(request).await?;
        match status {
            StatusCode::OK => {
                let grant: Grant =
                    serde_json::from_slice(&body).map_err(|error| Failure::later(unreadable(&shape(&error))))?;
                Ok(Token::new(grant.access_token, asked_at, Duration::from_secs(grant.expires_in)))
            }
            status if is_passing(status) => Err(Failure::of_status(status, &headers)),
            _ => {
                tracing::error!(%status, "PayPal refuses PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET");
                Err(Failure::for_good(ProviderError::Refused("AUTHENTICATION_FAILURE".to_owned())))
            }
        }
    }

    fn url(&self, path: &str) -> Result<Url, Failure> {
        self.base.join(path).map_err(|_| Failure::for_good(unreadable("a path that is none")))
    }

    /// After which pause a request is sent again: as long as PayPal says, or else longer each time, and not all for the
    /// same time. `None` where that can't help, was tried often enough, or there is no time for it.
    fn again(&self, tried: u32, failure: &Failure, until: Instant) -> Option<Duration> {
        if tried >= self.patience.tries || !failure.may_pass {
            return None;
        }
        let jittered = grown(self.patience.pause, tried).mul_f64(rand::rng().random_range(0.5..MOST_JITTER));
        let pause = failure.after.unwrap_or(jittered).min(LONGEST_PAUSE);
        (pause < until.saturating_duration_since(Instant::now())).then_some(pause)
    }
}

/// The pause after so many tries.
pub(super) fn grown(pause: Duration, tried: u32) -> Duration {
    pause.saturating_mul(2_u32.saturating_pow(tried - 1))
}

/// What comes of it in time.
async fn in_time<T>(until: Instant, work: impl Future<Output = T>) -> Result<T, ProviderError> {
    let silent = |_| ProviderError::Unavailable("PayPal did not answer in time".to_owned());
    tokio::time::timeout_at(until, work).await.map_err(silent)
}

enum Answer<T> {
    Settled(Reply<T>),
    Unauthorized,
}

/// Why there is no answer that could be used.
struct Failure {
    error: ProviderError,
    /// Whether sending it again can help.
    may_pass: bool,
    /// After how long, if PayPal says so.
    after: Option<Duration>,
}

impl Failure {
    fn later(error: ProviderError) -> Self {
        Self { error, may_pass: true, after: None }
    }

    fn for_good(error: ProviderError) -> Self {
        Self { error, may_pass: false, after: None }
    }

    fn of_status(status: StatusCode, headers: &HeaderMap) -> Self {
        let seconds = |value: &HeaderValue| value.to_str().ok()?.parse().ok().map(Duration::from_secs);
        let after = headers.get(header::RETRY_AFTER).and_then(seconds);
        Self { error: ProviderError::Unavailable(format!("PayPal answers {status}")), may_pass: true, after }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        // Without the address, which a log needs not have.
        Self::later(ProviderError::Unavailable(described(&error.without_url())))
    }
}

/// What went wrong, with what is behind it: reqwest's own words are but the first of them.
pub(super) fn described(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words = format!("{words}: {error}");
        source = error.source();
    }
    words
}

/// Whether it may be better in a moment. A conflict is with a request of ours that is still under way.
pub(super) fn is_passing(status: StatusCode) -> bool {
    let passing = [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT, StatusCode::CONFLICT];
    status.is_server_error() || passing.contains(&status)
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<(StatusCode, HeaderMap, Bytes), Failure> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = bounded(response, MAX_ANSWER_BYTES).await?;
    let body = body.ok_or_else(|| Failure::for_good(unreadable("it is longer than any answer")))?;
    Ok((status, headers, body))
}

/// An answer's body; `None` if it is longer than `most` bytes.
pub(super) async fn bounded(mut response: Response, most: usize) -> Result<Option<Bytes>, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

/// What is wrong with JSON, without any of it.
fn shape(error: &serde_json::Error) -> String {
    format!("line {}, column {} is not as expected", error.line(), error.column())
}

/// What a request is about, without the id in its path.
fn what(path: &str) -> &'static str {
    if path.contains("/capture") { "a capture" } else { "an order" }
}
