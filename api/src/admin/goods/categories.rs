//! `/admin/categories/`: under which headings the shop shows its products.

use super::fields::{TRANSLATED, optional, version};
use crate::admin::acting::{Acting as ActingAs, Ask, Refusal, caught_up};
use crate::admin::form::Form;
use crate::admin::texts::{text, text_with};
use crate::admin::{AdminPage, Notice, Section, StaffForm, StaffVisit};
use crate::app::App;
use crate::auth::permission::WriteProducts;
use crate::http::{Produces, Routes};
use crate::problem::within;
use crate::shop::{Fault, Posted, Reads, with_slash};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use commands::Snapshot;
use domain::category::{Category, Changes, Command, Listed, Rejection};
use domain::text::CategoryName;
use domain::{Language, Slug};
use projections::Projection;
use projections::categories::{self, Categories, CategoryRow};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const PATH: &str = "/admin/categories/";
/// Apart from the categories' own paths: any word may be a slug.
const ADD: &str = "/admin/new/category/";

type Acting = ActingAs<WriteProducts>;
type Visit = StaffVisit<WriteProducts>;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(PATH, Produces::Html, get(list))
        .route(ADD, Produces::Html, get(ask).post(add))
        .route("/admin/categories/{slug}/", Produces::Html, get(show).post(change))
        .route("/admin/categories/{slug}/shown/", Produces::Html, post(set_shown))
        .always("/admin/categories", Produces::Html, get(with_slash))
}

#[derive(Template)]
#[template(path = "admin/categories.html")]
struct List {
    page: AdminPage,
    rows: Vec<CategoryRow>,
}

#[derive(Template)]
#[template(path = "admin/category.html")]
struct Shown {
    page: AdminPage,
    /// Where the form goes.
    action: String,
    /// What it is called; none of a new one.
    known: Option<Known>,
    /// Whether somebody changed it while it was looked at.
    is_changed: bool,
    form: Form,
}

/// A category that there is.
struct Known {
    slug: String,
    name: String,
    version: u64,
    removed: bool,
}

async fn list(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    let mut reads = Reads::default();
    let rows = reads.run(Categories::NAME, categories::list(&app.views)).await?;
    let shown = List { page: visit.page(Section::Categories), rows };
    visit.show(&shown, reads.took).await
}

fn form(is_new: bool) -> Form {
    let form = if is_new {
        Form::new().text("slug", text("category-slug"), Slug::MAX_CHARS).hint(text("category-slug-hint"))
    } else {
        Form::new()
    };
    let form = form.text("name", text("category-name"), CategoryName::MAX_CHARS);
    TRANSLATED.iter().fold(form, |form, translated| {
        let label = text_with("category-name-in", &[("language", translated.lang.own_name().into())]);
        form.text(translated.title, label, CategoryName::MAX_CHARS).optional()
    })
}

/// What stands in the fields for a category.
fn values(listed: &Listed) -> Vec<(&'static str, String)> {
    let mut values = vec![("name", listed.name.to_string())];
    for translated in TRANSLATED {
        let name = translated.language().and_then(|language| listed.translations.get(&language));
        values.push((translated.title, name.map(CategoryName::to_string).unwrap_or_default()));
    }
    values
}

fn form_of(listed: &Listed) -> Form {
    let mut form = form(false);
    for (name, value) in values(listed) {
        if let Some(field) = form.fields.iter_mut().find(|field| field.name == name) {
            field.value = value;
        }
    }
    form
}

fn form_sent(posted: &Posted, is_new: bool) -> Form {
    let mut form = form(is_new);
    form.fill(posted);
    form
}

type Names = BTreeMap<Language, Option<CategoryName>>;

/// The names in other languages; an empty field takes one away.
fn translations(form: &mut Form) -> Option<Names> {
    let mut names = BTreeMap::new();
    let mut complete = true;
    for translated in TRANSLATED {
        match (optional(form, translated.title, CategoryName::parse), translated.language()) {
            (Some(name), Some(language)) => drop(names.insert(language, name)),
            _ => complete = false,
        }
    }
    complete.then_some(names)
}

fn refuse(form: &mut Form, rejection: &Rejection) {
    let field = match rejection {
        Rejection::AlreadyExists => "slug",
        Rejection::NotFound | Rejection::TooManyTranslations => "name",
    };
    form.wrong(field, rejection.to_string());
}

/// Says below each field that differs from what is stored by now what that is.
fn compare(form: &mut Form, listed: &Listed) {
    for (name, stored) in values(listed) {
        let field = form.fields.iter_mut().find(|field| field.name == name);
        let Some(field) = field.filter(|field| field.value.trim() != stored) else { continue };
        field.hint = Some(if stored.is_empty() {
            text("goods-now-empty")
        } else {
            text_with("goods-now", &[("stored", stored.into())])
        });
    }
}

async fn ask(visit: Visit) -> Result<Response, Fault> {
    visit.show(&new(&visit, form(true)), Duration::ZERO).await
}

fn new(visit: &Visit, form: Form) -> Shown {
    let page = visit.page(Section::Categories);
    Shown { page, action: ADD.to_owned(), known: None, is_changed: false, form }
}

async fn add(State(app): State<Arc<App>>, acting: Acting, posted: StaffForm) -> Result<Response, Fault> {
    let mut form = form_sent(&posted, true);
    let slug = form.read("slug", |typed| Slug::parse(typed.trim()));
    let name = form.read("name", CategoryName::parse);
    let names = translations(&mut form);
    let (Some(slug), Some(name), Some(names)) = (slug, name, names) else {
        return acting.show_refused(&new(&acting, form)).await;
    };
    let translations = names.into_iter().filter_map(|(language, name)| Some((language, name?))).collect();
    let command = Command::Add { slug: slug.clone(), name, translations };
    match acting.submit::<Category>(&app, Ask::on(slug.as_str(), command, None)).await? {
        Ok(done) => {
            caught_up(&app, Categories::NAME, done.position).await;
            acting.tell(&app, Notice::good(text("category-was-added"))).await?;
            acting.see_other(PATH)
        }
        Err(Refusal::Rejected(rejection)) => {
            refuse(&mut form, &rejection);
            acting.show_refused(&new(&acting, form)).await
        }
        Err(Refusal::Changed(_) | Refusal::SentBefore) => Err(Fault::Internal),
    }
}

/// A category that there is; a page is shown of no other.
async fn listed(app: &App, slug: &str) -> Result<(Slug, Arc<Snapshot<Category>>), Fault> {
    let slug = Slug::parse(slug).map_err(|_| Fault::NotFound)?;
    let snapshot = within(app.gateway.load::<Category>(slug.as_str())).await?;
    if snapshot.version == 0 { Err(Fault::NotFound) } else { Ok((slug, snapshot)) }
}

async fn show(State(app): State<Arc<App>>, visit: Visit, Path(slug): Path<String>) -> Result<Response, Fault> {
    let (_, snapshot) = listed(&app, &slug).await?;
    let Category::Listed(category) = &snapshot.state else { return Err(Fault::NotFound) };
    let shown = shown(&visit, &snapshot, form_of(category))?;
    visit.show(&shown, Duration::ZERO).await
}

fn shown(visit: &Visit, snapshot: &Snapshot<Category>, form: Form) -> Result<Shown, Fault> {
    let Category::Listed(Listed { slug, name, removed, .. }) = &snapshot.state else { return Err(Fault::NotFound) };
    let (slug, name) = (slug.to_string(), name.to_string());
    let action = format!("{PATH}{slug}/");
    let known = Some(Known { slug, name, version: snapshot.version, removed: *removed });
    Ok(Shown { page: visit.page(Section::Categories), action, known, is_changed: false, form })
}

async fn change(
    State(app): State<Arc<App>>,
    acting: Acting,
    Path(slug): Path<String>,
    posted: StaffForm,
) -> Result<Response, Fault> {
    let (slug, snapshot) = listed(&app, &slug).await?;
    let seen = version(posted.get("version")).ok_or(Fault::Invalid)?;
    let mut form = form_sent(&posted, false);
    let (name, translations) = (form.read("name", CategoryName::parse), translations(&mut form));
    let (Some(name), Some(translations)) = (name, translations) else {
        let shown = shown(&acting, &snapshot, form)?;
        return acting.show_refused(&with_version(shown, seen)).await;
    };
    let command = Command::Change(Changes { name: Some(name), translations });
    match acting.submit::<Category>(&app, Ask::on(slug.as_str(), command, Some(seen))).await? {
        Ok(done) => {
            caught_up(&app, Categories::NAME, done.position).await;
            acting.tell(&app, Notice::good(text("goods-saved"))).await?;
            acting.see_other(PATH)
        }
        Err(Refusal::Rejected(rejection)) => {
            refuse(&mut form, &rejection);
            let shown = shown(&acting, &snapshot, form)?;
            acting.show_refused(&with_version(shown, seen)).await
        }
        Err(Refusal::Changed(current)) => {
            let Category::Listed(category) = &current.state else { return Err(Fault::NotFound) };
            compare(&mut form, category);
            let shown = shown(&acting, &current, form)?;
            acting.show_refused(&Shown { is_changed: true, ..shown }).await
        }
        Err(Refusal::SentBefore) => Err(Fault::Internal),
    }
}

/// What is shown again is still the version that was shown: somebody else's change is not overwritten unseen.
fn with_version(shown: Shown, version: u64) -> Shown {
    Shown { known: shown.known.map(|known| Known { version, ..known }), ..shown }
}

async fn set_shown(
    State(app): State<Arc<App>>,
    acting: Acting,
    Path(slug): Path<String>,
    posted: StaffForm,
) -> Result<Response, Fault> {
    let (slug, _) = listed(&app, &slug).await?;
    let (command, told) = match posted.get("act") {
        Some("remove") => (Command::Remove, "category-was-removed"),
        Some("restore") => (Command::Restore, "category-was-restored"),
        _ => return Err(Fault::Invalid),
    };
    let notice = match acting.submit::<Category>(&app, Ask::on(slug.as_str(), command, None)).await? {
        Ok(done) => {
            caught_up(&app, Categories::NAME, done.position).await;
            Notice::good(text(told))
        }
        Err(Refusal::Rejected(rejection)) => Notice::bad(rejection.to_string()),
        Err(Refusal::Changed(_) | Refusal::SentBefore) => return Err(Fault::Internal),
    };
    acting.tell(&app, notice).await?;
    acting.see_other(PATH)
}
