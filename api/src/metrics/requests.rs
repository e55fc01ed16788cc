//! Requests by route: how many, how they ended, how long they took (RED).

use http::Method;
use metrics::{Counter, Gauge, Histogram};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// The requests of one route, by its template. Looking numbers up by their labels each time would cost more than
/// measuring.
pub(crate) struct RequestsOf {
    path: &'static str,
    in_flight: Gauge,
    numbers: RwLock<Vec<((Method, u16), Numbers)>>,
}

#[derive(Clone)]
struct Numbers {
    count: Counter,
    seconds: Histogram,
}

/// One request, from its head to its answer, or until its client has hung up.
pub(crate) struct Requests<'r> {
    of: &'r RequestsOf,
    started: Instant,
}

impl RequestsOf {
    pub(crate) fn new(path: &'static str) -> Self {
        let in_flight = metrics::gauge!("orders_http_requests_in_flight");
        Self { path, in_flight, numbers: RwLock::default() }
    }

    /// A request has come.
    pub(crate) fn begin(&self) -> Requests<'_> {
        self.in_flight.increment(1.0);
        Requests { of: self, started: Instant::now() }
    }

    fn numbers(&self, key: &(Method, u16)) -> Numbers {
        let find = |known: &Vec<((Method, u16), Numbers)>| {
            known.iter().find(|(known, _)| known == key).map(|(_, numbers)| numbers.clone())
        };
        let known = find(&self.numbers.read().unwrap_or_else(PoisonError::into_inner));
        known.unwrap_or_else(|| self.register(key))
    }

    fn register(&self, key: &(Method, u16)) -> Numbers {
        let (method, status) = (key.0.to_string(), key.1.to_string());
        let class = format!("{}xx", key.1 / 100);
        let count = metrics::counter!(
            "orders_http_requests_total", "method" => method.clone(), "path" => self.path, "status_class" => class
        );
        let seconds = metrics::histogram!(
            "orders_http_request_seconds", "method" => method, "path" => self.path, "status" => status
        );
        let numbers = Numbers { count, seconds };
        let mut known = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        known.push((key.clone(), numbers.clone()));
        numbers
    }
}

impl Requests<'_> {
    /// It is answered. Says how long that took.
    pub(crate) fn answered(&self, method: &Method, status: u16) -> Duration {
        let took = self.started.elapsed();
        // A client may make methods up; numbers have few names.
        let method = if is_standard(method) { method.clone() } else { Method::OPTIONS };
        let numbers = self.of.numbers(&(method, status));
        numbers.count.increment(1);
        numbers.seconds.record(took);
        took
    }
}

impl Drop for Requests<'_> {
    fn drop(&mut self) {
        self.of.in_flight.decrement(1.0);
    }
}

fn is_standard(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method)
}
