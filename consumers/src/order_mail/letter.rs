//! What a mail about an order says, laid out as plain text and as HTML that say the same.

use super::texts::Texts;
use askama::Template;
use domain::Money;
use domain::ids::OrderNumber;
use domain::money::MoneyError;
use domain::order::{Customer, Line, OrderPaid, OrderPlaced};

/// What a mail says.
pub(super) struct Content {
    pub subject: String,
    texts: &'static Texts,
    salutation: String,
    lead: &'static str,
    lines: Vec<Row>,
    total_label: &'static str,
    total: String,
    /// Lines of an address; none in a receipt, nor where nothing is sent.
    address: Vec<String>,
    shop_name: String,
}

struct Row {
    name: String,
    quantity: String,
    unit_price: String,
    cost: String,
}

impl Content {
    pub(super) fn confirmation(texts: &'static Texts, order: &OrderPlaced) -> Result<Self, MoneyError> {
        Ok(Self {
            subject: (texts.subject)(&order.number.to_string()),
            lead: texts.confirmation,
            total_label: texts.total,
            address: address(&order.customer),
            ..Self::common(texts, order.number, &order.customer, &order.lines, order.total)?
        })
    }

    pub(super) fn receipt(texts: &'static Texts, order: &OrderPaid) -> Result<Self, MoneyError> {
        Self::common(texts, order.number, &order.customer, &order.lines, order.total)
    }

    /// Signed by the shop.
    pub(super) fn signed(self, shop_name: &str) -> Self {
        Self { shop_name: shop_name.to_owned(), ..self }
    }

    fn common(
        texts: &'static Texts,
        number: OrderNumber,
        customer: &Customer,
        lines: &[Line],
        total: Money,
    ) -> Result<Self, MoneyError> {
        Ok(Self {
            subject: (texts.receipt_subject)(&number.to_string()),
            texts,
            salutation: (texts.salutation)(customer.first_name.as_str()),
            lead: texts.receipt,
            lines: lines.iter().map(row).collect::<Result<_, _>>()?,
            total_label: texts.paid,
            total: total.to_string(),
            address: Vec::new(),
            shop_name: String::new(),
        })
    }
}

fn row(line: &Line) -> Result<Row, MoneyError> {
    Ok(Row {
        name: line.name.as_str().to_owned(),
        quantity: line.quantity.get().to_string(),
        unit_price: line.unit_price.to_string(),
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
