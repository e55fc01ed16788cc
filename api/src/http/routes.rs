//! The table of routes: each path with its methods, behind the edge.

use super::admission::Room;
use super::edge::{self, Edge};
use super::negotiate::Produces;
use crate::app::App;
use crate::metrics::RequestsOf;
use crate::problem::{Code, Problem};
use crate::shop::Frame;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any};
use std::sync::Arc;

/// Collects routes.
pub(crate) struct Routes {
    router: Router<Arc<App>>,
    paths: Vec<(&'static str, Produces)>,
    room: Arc<Room>,
    frame: Frame,
}

impl Routes {
    pub(crate) fn new(max_requests: usize, max_body_bytes: usize, frame: Frame) -> Self {
        let (router, paths, room) = (Router::new(), Vec::new(), Room::new(max_requests, max_body_bytes));
        Self { router, paths, room, frame }
    }

    /// A path that counts against the most requests at once.
    pub(crate) fn route(self, path: &'static str, produces: Produces, methods: MethodRouter<Arc<App>>) -> Self {
        let room = Some(Arc::clone(&self.room));
        self.add(path, produces, room, methods)
    }

    /// A path that answers also when all is busy.
    pub(crate) fn always(self, path: &'static str, produces: Produces, methods: MethodRouter<Arc<App>>) -> Self {
        self.add(path, produces, None, methods)
    }

    fn add(
        mut self,
        path: &'static str,
        produces: Produces,
        room: Option<Arc<Room>>,
        methods: MethodRouter<Arc<App>>,
    ) -> Self {
        self.paths.push((path, produces));
        let (produces, requests, frame) = (Some(produces), RequestsOf::new(path), self.frame.clone());
        let edge = Arc::new(Edge { path, produces, room, requests, frame });
        // axum adds `Allow` to what the fallback answers.
        let methods = methods.fallback(method_not_allowed).layer(from_fn_with_state(edge, edge::run));
        self.router = self.router.route(path, methods);
        self
    }

    /// The template of each path, in the order in which they were added, and what it answers with.
    pub(crate) fn into_paths(self) -> Vec<(&'static str, Produces)> {
        self.paths
    }

    pub(crate) fn into_router(self, app: Arc<App>) -> Router {
        let (path, room, frame) = ("unknown", Some(self.room), self.frame);
        let edge = Arc::new(Edge { path, produces: None, room, requests: RequestsOf::new(path), frame });
        let unknown = any(not_found).layer(from_fn_with_state(edge, edge::run));
        self.router.fallback_service(unknown).with_state(app)
    }
}

async fn not_found() -> Problem {
    Problem::new(Code::NotFound, "No resource has this path.")
}

async fn method_not_allowed() -> Problem {
    Problem::new(Code::MethodNotAllowed, "Allow names the methods of this path.")
}
