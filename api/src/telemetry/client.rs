//! How the collector is asked: once more, where it says that it is only busy, as the specification of OTLP has it.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode, header};
use opentelemetry_http::{HttpClient, HttpError};
use std::time::Duration;

/// How long is waited before asking again where the collector does not say; up to as much again is added by chance, so
/// that processes that were refused together don't come back together.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that a collector is granted. Who asks for more does not get this batch: others are waiting behind
/// it.
const PAUSE_AT_MOST: Duration = Duration::from_secs(5);
/// The most of an answer that is read: it says which spans are refused, if any.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Asks at most twice.
#[derive(Debug)]
pub(super) struct Client(pub(super) reqwest::Client);

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let again = request.try_clone();
        let first = self.execute(request).await?;
        let response = match again.zip(pause(first.status(), first.headers())) {
            Some((again, pause)) => {
                drop(first);
                tokio::time::sleep(pause).await;
                self.execute(again).await?
            }
            None => first,
        };
        read(response.error_for_status().map_err(reqwest::Error::without_url)?).await
    }
}

impl Client {
    /// An error names no address: it may hold a password.
    async fn execute(&self, request: reqwest::Request) -> Result<reqwest::Response, HttpError> {
        Ok(self.0.execute(request).await.map_err(reqwest::Error::without_url)?)
    }
}

/// How long to wait before asking once more; `None` where that is of no use, or would take too long.
fn pause(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let is_busy = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    );
    if !is_busy {
        return None;
    }
    match headers.get(header::RETRY_AFTER) {
        None => Some(PAUSE + PAUSE.mul_f64(rand::random::<f64>())),
        // A date is taken for a long time: collectors say seconds.
        Some(after) => {
            let after = Duration::from_secs(after.to_str().ok()?.trim().parse().ok()?);
            (after <= PAUSE_AT_MOST).then_some(after)
        }
    }
}

async fn read(mut response: reqwest::Response) -> Result<Response<Bytes>, HttpError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(format!("the collector's answer is longer than {MAX_ANSWER_BYTES} bytes").into());
        }
        body.extend_from_slice(&chunk);
    }
    let mut read = Response::new(body.freeze());
    *read.status_mut() = response.status();
    *read.headers_mut() = std::mem::take(response.headers_mut());
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn after(status: u16, retry_after: Option<&'static str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        if let Some(after) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(after));
        }
        pause(StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn who_is_busy_is_asked_again_when_it_says() {
        for status in [429, 502, 503, 504] {
            let pause = after(status, None).unwrap();
            assert!((PAUSE..=PAUSE * 2).contains(&pause), "{status}: {pause:?}");
            assert_eq!(after(status, Some("2")), Some(Duration::from_secs(2)));
        }
        assert_eq!(after(503, Some("0")), Some(Duration::ZERO));
    }

    #[test]
    fn who_refuses_or_is_busy_for_long_is_left_alone() {
        for status in [200, 301, 400, 401, 404, 500, 501] {
            assert_eq!(after(status, Some("1")), None, "{status}");
        }
        for long in ["6", "86400", "99999999999999999999", "Fri, 31 Dec 1999 23:59:59 GMT", ""] {
            assert_eq!(after(503, Some(long)), None, "{long}");
        }
    }
}
