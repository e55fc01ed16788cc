//! The steps of the form: an empty one, more lines, what it costs, and the order.

use super::form::{CounterForm, Line, MAX_LINES, cart};
use super::{Acting, PATH, Visit};
use crate::admin::acting::{Ask, Locale, Refusal};
use crate::admin::form::Form;
use crate::admin::texts::{text, text_with};
use crate::admin::{self, AdminPage, Notice, Section, StaffForm};
use crate::app::App;
use crate::auth::permission::ReadMembers;
use crate::problem::within;
use crate::shop::basket::{Basket, Unavailable};
use crate::shop::{Fault, Posted, Reads};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::{IdempotencyKey, members};
use domain::Prices;
use domain::ids::{OrderId, SubjectId};
use domain::money::Money;
use domain::order::{Command, Customer, Order, Place, Rejection, RequestedItem};
use domain::product::Status;
use projections::Projection;
use projections::products::{self, Products, Stock};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Keeps these keys apart from those of others.
const PURPOSE: &str = "staff counter";
/// The products that are offered while one types.
const OFFERED: u32 = 200;

#[derive(Template)]
#[template(path = "admin/counter.html")]
struct Shown {
    page: AdminPage,
    action: &'static str,
    form: Form,
    lines: Vec<Line>,
    key: Uuid,
    member: Option<Uuid>,
    /// Sku and name of what is on sale.
    offered: Vec<(String, String)>,
    /// What it costs: as programs write it, the currency's code, and as people do. None before it is known.
    total: Option<(String, &'static str, String)>,
    has_room: bool,
    /// Why it is shown again.
    notice: Option<String>,
}

pub(super) async fn ask(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let query = crate::admin::list::Query::parse(query.as_deref());
    // Whose data this is only those see who may see members.
    let id = query.get("member").filter(|_| visit.may::<ReadMembers>()).and_then(|id| id.parse().ok());
    let member = match id {
        Some(id) => within(members::get(app.log.pool(), SubjectId(id))).await?,
        None => None,
    };
    let form = member.as_ref().map_or_else(CounterForm::new, CounterForm::of_member);
    let shown = shown(&app, &visit, form, None, None).await?;
    visit.show(&shown, Duration::ZERO).await
}

async fn shown(
    app: &App,
    visit: &Visit,
    form: CounterForm,
    total: Option<Money>,
    notice: Option<String>,
) -> Result<Shown, Fault> {
    let stock = Stock { status: Some(Status::Active), ..Stock::default() };
    let offered = Reads::default().run(Products::NAME, products::stock(&app.views, &stock, None, OFFERED)).await?;
    let page = visit.page(Section::Orders);
    Ok(Shown {
        action: PATH,
        has_room: form.lines.len() < MAX_LINES,
        lines: form.lines,
        key: form.key,
        member: form.member.map(|member| member.0),
        offered: offered.rows.into_iter().map(|row| (row.sku, row.name)).collect(),
        total: total.map(|total| (total.amount().to_string(), total.currency().code(), page.money(&total))),
        form: form.form,
        notice,
        page,
    })
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    acting: Acting,
    posted: StaffForm,
) -> Result<Response, admin::Refusal> {
    let mut form = CounterForm::sent(&posted).ok_or(Fault::Invalid)?;
    if form.member.is_some() {
        // Into whose account it goes only those say who may see members.
        acting.require::<ReadMembers>()?;
    }
    if !is_there(&app, form.member).await? {
        form.member = None;
        let shown = shown(&app, &acting, form, None, Some(text("counter-no-such-member"))).await?;
        return Ok(acting.show_refused(&shown).await?);
    }
    Ok(step(&app, &acting, form, &posted).await?)
}

/// Whether there is the member whose order it is, if it is one's.
async fn is_there(app: &App, member: Option<SubjectId>) -> Result<bool, Fault> {
    let Some(member) = member else { return Ok(true) };
    Ok(within(members::get(app.log.pool(), member)).await?.is_some())
}

async fn step(app: &App, acting: &Acting, mut form: CounterForm, posted: &Posted) -> Result<Response, Fault> {
    let agreed = match posted.get("act") {
        Some("more") => {
            form.grow();
            let shown = shown(app, acting, form, None, None).await?;
            return acting.show(&shown, Duration::ZERO).await;
        }
        Some("place") => agreed(posted),
        _ => None,
    };
    let prices = within(app.gateway.prices_at_head()).await?;
    let (items, total, customer) = read(&mut form, &prices, acting);
    let (Some(items), Some(total), Some(customer)) = (items, total, customer) else {
        return acting.show_refused(&shown(app, acting, form, total, None).await?).await;
    };
    match agreed {
        Some(agreed) => Counter { items, customer, agreed }.place(app, acting, form).await,
        None => {
            let shown = shown(app, acting, form, Some(total), None).await?;
            acting.show(&shown, Duration::ZERO).await
        }
    }
}

/// The total that was shown.
fn agreed(posted: &Posted) -> Option<Money> {
    Money::parse(posted.get("total")?, posted.get("currency")?).ok()
}

/// Reads all of the form, so that all that is wrong is said at once.
fn read(
    form: &mut CounterForm,
    prices: &Prices,
    acting: &Acting,
) -> (Option<Vec<RequestedItem>>, Option<Money>, Option<Customer>) {
    let items = form.items();
    let basket = Basket::of(&cart(items.as_deref().unwrap_or_default(), acting.now()), prices);
    for (line, (index, _)) in basket.lines.iter().zip(items.as_deref().unwrap_or_default()) {
        let Some(shown) = form.lines.get_mut(*index) else { continue };
        match line.price {
            Ok(price) => {
                let name = line.name.clone().unwrap_or_default();
                shown.priced = Some((name, consumers::money::shown(price.line, consumers::language::Lang::En)));
            }
            Err(unavailable) => shown.error = Some(words(unavailable)),
        }
    }
    let customer = form.customer(basket.requires_shipping, guest(&digest(acting.me.id, form.key)));
    let can_be_ordered = items.is_some() && basket.can_be_ordered();
    let items = items.filter(|_| can_be_ordered).map(|items| items.into_iter().map(|(_, item)| item).collect());
    (items, basket.total.filter(|_| can_be_ordered), customer)
}

fn words(unavailable: Unavailable) -> String {
    text(match unavailable {
        Unavailable::Unknown => "counter-unknown",
        Unavailable::Withdrawn => "counter-withdrawn",
        Unavailable::OtherCurrency => "counter-other-currency",
        Unavailable::TooDear => "counter-too-dear",
    })
}

/// An order as it is about to be placed.
struct Counter {
    items: Vec<RequestedItem>,
    customer: Customer,
    agreed: Money,
}

impl Counter {
    async fn place(self, app: &App, acting: &Acting, mut form: CounterForm) -> Result<Response, Fault> {
        let lang = Some(form.form.value("lang").to_owned()).filter(|lang| !lang.is_empty());
        let key = self.key(acting.me.id, &form).ok_or(Fault::Internal)?;
        let place = Place {
            number: within(app.gateway.next_order_number()).await?,
            customer: Arc::new(self.customer),
            items: self.items,
            expected_total: Some(self.agreed),
        };
        let ask = Ask {
            fresh_id: true,
            key: Some(key),
            locale: lang.map_or(Locale::Actors, |lang| Locale::Customers(Some(lang))),
            ..Ask::on(OrderId(Uuid::now_v7()).to_string(), Command::Place(place), None)
        };
        let (total, notice) = match acting.submit::<Order>(app, ask).await? {
            Ok(done) => {
                acting.tell(app, Notice::good(text("counter-was-placed"))).await?;
                // Of a form that was sent before, it is the id that the order got then.
                return acting.see_other(&format!("/admin/orders/{}/", done.answer.body));
            }
            Err(Refusal::Rejected(Rejection::TotalChanged { actual, .. })) => {
                (Some(actual), text("counter-total-changed"))
            }
            Err(Refusal::Rejected(Rejection::AddressRequired)) => {
                form.form.wrong("address", Rejection::AddressRequired.to_string());
                (None, text("counter-address-needed"))
            }
            Err(Refusal::Rejected(rejection)) => {
                (None, text_with("counter-refused", &[("why", rejection.to_string().into())]))
            }
            Err(Refusal::SentBefore) => (None, text("counter-sent-before")),
            Err(Refusal::Changed(_)) => return Err(Fault::Internal),
        };
        acting.show_refused(&shown(app, acting, form, total, Some(notice)).await?).await
    }

    /// One form places one order: sent again it leads to that, and sent with something else in it, it is refused.
    fn key(&self, who: Uuid, form: &CounterForm) -> Option<IdempotencyKey> {
        let items: Vec<_> = self.items.iter().map(|item| (item.sku.as_str(), item.quantity.get())).collect();
        let asked = serde_json::to_vec(&(items, &self.customer, self.agreed)).ok()?;
        Some(IdempotencyKey {
            digest: digest(who, form.key),
            request_digest: Sha256::digest(asked).into(),
            ordered: None,
        })
    }
}

/// What makes two sendings of one form the same, for whoever sends it.
fn digest(who: Uuid, form: Uuid) -> [u8; 32] {
    let purpose = Sha256::new().chain_update((PURPOSE.len() as u64).to_le_bytes()).chain_update(PURPOSE);
    purpose.chain_update(who.as_bytes()).chain_update(form.as_bytes()).finalize().into()
}

/// A guest's personal data is a subject of its own, the same however often a form is sent. It is not what the browser
/// says, which could be somebody's who has one (UUID version 8, RFC 9562, section 5.8).
fn guest(digest: &[u8; 32]) -> SubjectId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    SubjectId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
