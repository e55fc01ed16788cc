//! The page that asks for something: a title, fields and a button; or that tells something, without them.

use super::super::{Fault, Page, Visit};
use super::form::{Form, ShownField};
use crate::app::App;
use askama::Template;
use axum::response::Response;
use http::StatusCode;
use std::time::Duration;

/// What a page asks for. Texts are given by their ids.
pub(super) struct Ask<'a> {
    /// The beginning of its texts' ids: `-title`, `-lead`, `-button`.
    pub(super) about: &'static str,
    /// Where the form goes.
    pub(super) action: &'static str,
    pub(super) form: &'a Form,
    /// Fields that are not seen: name and value.
    pub(super) hidden: Vec<(&'static str, String)>,
    /// What went wrong.
    pub(super) notice: Option<&'static str>,
    /// Other ways on: path, and its text.
    pub(super) links: &'static [(&'static str, &'static str)],
}

#[derive(Template)]
#[template(path = "account_form.html")]
struct Asked {
    page: Page,
    title: String,
    lead: String,
    action: &'static str,
    notice: Option<String>,
    hidden: Vec<(&'static str, String)>,
    fields: Vec<ShownField>,
    button: String,
    links: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "account_told.html")]
struct Told {
    page: Page,
    title: String,
    lead: String,
    links: Vec<(&'static str, String)>,
}

impl Ask<'_> {
    /// Shows it; with 422 where something is wrong.
    pub(super) async fn show(self, app: &App, visit: &Visit) -> Result<Response, Fault> {
        let page = visit.page(app).await?;
        let fields = self.form.shown(&page);
        let is_wrong = self.notice.is_some() || fields.iter().any(|field| field.error.is_some());
        let shown = Asked {
            title: page.t(&format!("{}-title", self.about)),
            lead: page.t(&format!("{}-lead", self.about)),
            button: page.t(&format!("{}-button", self.about)),
            action: self.action,
            notice: self.notice.map(|notice| page.t(notice)),
            hidden: self.hidden,
            fields,
            links: self.links.iter().map(|(path, text)| (*path, page.t(text))).collect(),
            page,
        };
        let mut response = visit.show_alone(&shown, Duration::ZERO)?;
        if is_wrong {
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        }
        Ok(response)
    }
}

/// Tells something: the texts `-title` and `-lead` of `about`.
pub(super) async fn tell(
    app: &App,
    visit: &Visit,
    about: &str,
    links: &[(&'static str, &str)],
) -> Result<Response, Fault> {
    let page = visit.page(app).await?;
    let shown = Told {
        title: page.t(&format!("{about}-title")),
        lead: page.t(&format!("{about}-lead")),
        links: links.iter().map(|(path, text)| (*path, page.t(text))).collect(),
        page,
    };
    visit.show_alone(&shown, Duration::ZERO)
}
