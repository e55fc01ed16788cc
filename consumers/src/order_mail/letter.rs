//! What a mail about an order says, laid out as plain text and as HTML that say the same.

use super::texts::TEXTS;
use crate::language::Lang;
use askama::Template;
use domain::Money;
use domain::ids::OrderNumber;
use domain::money::MoneyError;
use domain::order::{Customer, EmailCorrected, Line, OrderPaid, OrderPlaced, Placed};

/// What a mail says.
pub(super) struct Content {
    pub subject: String,
    lang: Lang,
    salutation: String,
    /// The id of its first sentence.
    lead: &'static str,
    lines: Vec<Row>,
    /// The id of what the total is called.
    total_label: &'static str,
    total: String,
    /// Lines of an address; none in a receipt, nor where nothing is sent.
    address: Vec<String>,
    /// Where it is paid.
    link: Option<String>,
    shop_name: String,
}

struct Row {
    name: String,
    quantity: String,
    unit_price: String,
    /// The same in words.
    each: String,
    cost: String,
}

impl Content {
    pub(super) fn confirmation(lang: Lang, order: &OrderPlaced) -> Result<Self, MoneyError> {
        Ok(Self {
            subject: subject(lang, "mail-confirmation-subject", order.number),
            lead: "mail-confirmation",
            total_label: "mail-total",
            address: address(&order.customer),
            ..Self::common(lang, order.number, &order.customer, &order.lines, order.total)?
        })
    }

    /// The same to another address, with what the order holds by now.
    pub(super) fn confirmation_anew(lang: Lang, order: &EmailCorrected) -> Result<Self, MoneyError> {
        Ok(Self {
            subject: subject(lang, "mail-confirmation-subject", order.number),
            lead: "mail-confirmation",
            total_label: "mail-total",
            address: address(&order.customer),
            ..Self::common(lang, order.number, &order.customer, &order.lines, order.total)?
        })
    }

    pub(super) fn receipt(lang: Lang, order: &OrderPaid) -> Result<Self, MoneyError> {
        Self::common(lang, order.number, &order.customer, &order.lines, order.total)
    }

    /// That it is not paid.
    pub(super) fn reminder(lang: Lang, order: &Placed) -> Result<Self, MoneyError> {
        Ok(Self {
            subject: subject(lang, "mail-reminder-subject", order.number),
            lead: "mail-reminder",
            total_label: "mail-to-pay",
            ..Self::common(lang, order.number, &order.customer, &order.lines, order.balance()?)?
        })
    }

    fn t(&self, id: &str) -> String {
        TEXTS.get(self.lang, id)
    }

    /// With a link to where it is paid.
    pub(super) fn leading_to(self, link: Option<String>) -> Self {
        Self { link, ..self }
    }

    /// Signed by the shop.
    pub(super) fn signed(self, shop_name: &str) -> Self {
        Self { shop_name: shop_name.to_owned(), ..self }
    }

    fn common(
        lang: Lang,
        number: OrderNumber,
        customer: &Customer,
        lines: &[Line],
        total: Money,
    ) -> Result<Self, MoneyError> {
        Ok(Self {
            subject: subject(lang, "mail-receipt-subject", number),
            lang,
            salutation: TEXTS.with(lang, "mail-salutation", &[("name", customer.first_name.as_str().into())]),
            lead: "mail-receipt",
            lines: lines.iter().map(|line| row(lang, line)).collect::<Result<_, _>>()?,
            total_label: "mail-paid",
            total: total.to_string(),
            address: Vec::new(),
            link: None,
            shop_name: String::new(),
        })
    }
}

/// The number is a word of its own: with digits in groups nobody would find it again.
fn subject(lang: Lang, id: &str, number: OrderNumber) -> String {
    TEXTS.with(lang, id, &[("number", number.to_string().into())])
}

fn row(lang: Lang, line: &Line) -> Result<Row, MoneyError> {
    let unit_price = line.unit_price.to_string();
    Ok(Row {
        name: line.name.as_str().to_owned(),
        quantity: line.quantity.get().to_string(),
        each: TEXTS.with(lang, "mail-each", &[("price", unit_price.as_str().into())]),
        unit_price,
        cost: line.cost()?.to_string(),
    })
}

/// None where nothing has to be sent.
fn address(customer: &Customer) -> Vec<String> {
    let Some(to) = &customer.shipping_address else { return Vec::new() };
    let mut lines = vec![
        format!("{} {}", customer.first_name.as_str(), customer.last_name.as_str()),
        to.address.as_str().to_owned(),
        format!("{} {}", to.postal_code.as_str(), to.city.as_str()),
    ];
    lines.extend(to.country.as_ref().map(|country| country.as_str().to_owned()));
    lines
}

#[derive(Template)]
#[template(path = "order.txt")]
struct Text<'a> {
    mail: &'a Content,
}

#[derive(Template)]
#[template(path = "order.html")]
struct Html<'a> {
    mail: &'a Content,
}

/// As plain text.
pub(super) fn text(mail: &Content) -> Result<String, askama::Error> {
    Text { mail }.render()
}

/// As HTML; whatever customers and catalogue say is escaped.
pub(super) fn html(mail: &Content) -> Result<String, askama::Error> {
    Html { mail }.render()
}
