//! What every request goes through, once: its id, admission, the guard against panics, and the finish of its answer.

use super::admission::Room;
use super::delivery::Wanted;
use super::negotiate::Produces;
use super::request_id::{REQUEST_ID, RequestId};
use super::spans::Spans;
use super::timing;
use crate::metrics::RequestsOf;
use crate::problem::Problem;
use crate::shop::{self, ErrorPage, Fault, Frame};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::HeaderMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// The edge of one path.
pub(super) struct Edge {
    /// The path's template, which holds nothing personal.
    pub(super) path: &'static str,
    /// `None` where nothing is: it depends on who asks.
    pub(super) produces: Option<Produces>,
    /// How many more requests may be worked on; `None` for what must answer also when all is busy.
    pub(super) room: Option<Arc<Room>>,
    pub(super) requests: RequestsOf,
    /// What pages have in common.
    pub(super) frame: Frame,
}

/// Runs a request through the edge.
pub(super) async fn run(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    let counted = edge.requests.begin();
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let (method, wanted) = (request.method().clone(), Wanted::of(&request));
    let produces = edge.produces.unwrap_or_else(|| Produces::at_unknown(request.uri().path(), request.headers()));
    let error_page = (produces == Produces::Html).then(|| ErrorPage::of(&request));
    let spans = Spans::of(&edge, &request, &id);
    // A panic is logged where it happens, by the hook, within the span. The handler's state is gone with it.
    let answered = spans.around(AssertUnwindSafe(admit(&edge, produces, request, next)).catch_unwind()).await;
    let answered = answered.unwrap_or_else(|_| Problem::internal().into_response());
    let response = match error_page {
        Some(error_page) => finish_page(answered, &id, error_page, &edge.frame),
        None => finish(answered, &id),
    };
    let mut response = wanted.deliver(response, produces).await;
    let status = response.status();
    let took = counted.answered(&method, status.as_u16());
    tell_time(response.headers_mut(), took);
    spans.answered(status, took);
    response
}

async fn admit(edge: &Edge, produces: Produces, mut request: Request, next: Next) -> Response {
    // Held until the answer is made, whatever becomes of the request.
    let place = match edge.room.as_ref().map(Room::enter).transpose() {
        Ok(place) => place,
        Err(problem) => return problem.into_response(),
    };
    if let Some(place) = &place {
        request.extensions_mut().insert(place.clone());
    }
    match produces.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn finish(mut response: Response, id: &RequestId) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.render(id.as_str());
    }
    stamp(response, id)
}

/// What a browser is answered: what went wrong is a page too, and everything bears what protects it.
fn finish_page(mut response: Response, id: &RequestId, error_page: ErrorPage, frame: &Frame) -> Response {
    let problem = response.extensions_mut().remove::<Problem>().map(Fault::from);
    if let Some(fault) = response.extensions_mut().remove::<Fault>().or(problem) {
        response = error_page.render(fault, frame, id);
    }
    shop::protect(response.headers_mut(), frame);
    stamp(response, id)
}

fn stamp(mut response: Response, id: &RequestId) -> Response {
    response.headers_mut().insert(REQUEST_ID, id.header());
    response
}

fn tell_time(headers: &mut HeaderMap, took: Duration) {
    let total = timing::with_total(headers.get(timing::SERVER_TIMING).unwrap_or(&timing::none()), took);
    headers.insert(timing::SERVER_TIMING, total);
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use http::StatusCode;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn ask<H, R>(room: usize, handler: H) -> (StatusCode, HeaderMap, serde_json::Value)
    where
        H: Fn() -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Response> + Send,
    {
        let (path, produces, room) = ("/", Some(Produces::Json), Some(Room::new(room, 0)));
        let frame = Frame::new(shop::ShopSettings::default());
        let edge = Arc::new(Edge { path, produces, room, requests: RequestsOf::new(path), frame });
        let router: Router = Router::new().route("/", get(handler).layer(from_fn_with_state(edge, run)));
        let request = Request::builder().uri("/").header("request-id", "r-1").body(Body::empty()).unwrap();
        let (head, body) = router.oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, head.headers, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_500_and_the_next_request_is_served() {
        let (status, headers, problem) = ask(1, || async { panic!("secret") }).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!((problem["code"].as_str(), problem["request_id"].as_str()), (Some("internal"), Some("r-1")));
        assert_eq!(headers[REQUEST_ID], "r-1");
        assert!(headers.contains_key(timing::SERVER_TIMING));
        assert!(!problem.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn without_room_it_is_503() {
        let (status, headers, problem) = ask(0, || async { unreachable!("it has no room") }).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("overloaded")));
        assert_eq!(headers["retry-after"], "1");
    }

    #[tokio::test]
    async fn what_a_handler_says_of_its_time_is_kept() {
        let answer = || async { ([(timing::SERVER_TIMING, "decide;dur=1")], "{}").into_response() };
        let (_, headers, _) = ask(1, answer).await;
        assert!(headers[timing::SERVER_TIMING].to_str().unwrap().starts_with("decide;dur=1, total;dur="));
    }
}
