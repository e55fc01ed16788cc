//! What a client is told of a command that was not carried out: the one place that gives a refusal its code and status.

use super::{Code, Place, Problem, ValueError};
use crate::http::conditions::etag;
use commands::{Aggregate, CommandError, Snapshot};
use domain::Money;
use domain::category::{self, Category};
use domain::newsletter::{self, Newsletter};
use domain::order::{self, ItemFault, ItemProblem, LineError, Order};
use domain::product::{self, Product, Status};
use http::header;
use serde_json::{Value, json};

/// An aggregate whose refusals have codes.
pub trait Refuses: Aggregate {
    /// What the client is told of a refusal; `items_at` is the JSON pointer of the array of items in the request's
    /// body, or `None` where the body itself is one item.
    fn refusal(rejection: &Self::Rejection, items_at: Option<&str>) -> Problem;
    /// What a client needs to know of the state that refused it; `None` when there is nothing.
    fn current(state: &Self) -> Option<Value>;
    /// What there is nothing of, when nothing stands under the id.
    const NOT_FOUND: Code;
}

/// The key was used for another request.
pub fn key_reused() -> Problem {
    Problem::new(
        Code::IdempotencyKeyReused,
        "This Idempotency-Key came with another body before. Use a new key for a new request.",
    )
}

/// What the client is told of a command that was not carried out.
pub fn problem<A: Refuses>(error: &CommandError<A>, items_at: Option<&str>) -> Problem {
    match error {
        CommandError::Rejected { rejection, current } => {
            let problem = A::refusal(rejection, items_at);
            if problem.code().status() == http::StatusCode::CONFLICT { with_current(problem, current) } else { problem }
        }
        CommandError::VersionMismatch { current } if current.version == 0 => not_found::<A>(),
        CommandError::VersionMismatch { current } => {
            let detail = format!("If-Match does not name the current version, which is {}.", current.version);
            let problem = Problem::new(Code::VersionMismatch, detail).header(header::ETAG, etag(current.version));
            with_current(problem, current)
        }
        CommandError::KeyReused => key_reused(),
        CommandError::KeyInFlight => Problem::new(
            Code::RequestInFlight,
            "The first request with this Idempotency-Key is still being worked on. Send it again for its answer.",
        ),
        CommandError::Contention => Problem::new(
            Code::Contention,
            "Other commands on the same resource were first, time and again. Nothing was changed; try again.",
        ),
        CommandError::OutcomeUnknown => Problem::new(
            Code::OutcomeUnknown,
            "The database's reply was lost. Send the request again with the same Idempotency-Key, or look the \
             resource up, before you take it for failed.",
        ),
        CommandError::Overloaded => Problem::new(Code::Overloaded, "Nothing was changed; try again."),
        CommandError::Unavailable(reason) => super::unavailable::database(reason),
        // Why is in the log already, from where it was found.
        CommandError::NotStorable(_) => Problem::new(
            Code::NotStorable,
            "The database does not take what this command would write. Nothing was changed, and the same request will \
             be refused again. The server's log says why.",
        ),
        CommandError::Unreadable(error) => super::unavailable::unreadable(error),
    }
}

/// Nothing stands under the id that the path names.
pub fn not_found<A: Refuses>() -> Problem {
    Problem::new(A::NOT_FOUND, format!("{}.", A::NOT_FOUND.title()))
}

fn with_current<A: Refuses>(problem: Problem, current: &Snapshot<A>) -> Problem {
    match A::current(&current.state) {
        Some(Value::Object(mut state)) => {
            state.insert("version".to_owned(), current.version.into());
            problem.with("current", state)
        }
        _ => problem,
    }
}

impl Refuses for Order {
    const NOT_FOUND: Code = Code::OrderNotFound;

    fn refusal(rejection: &order::Rejection, items_at: Option<&str>) -> Problem {
        use order::Rejection as R;
        let detail = sentence(rejection);
        match rejection {
            R::NotFound => Problem::new(Code::OrderNotFound, detail),
            R::AlreadyPlaced => Problem::new(Code::OrderExists, detail),
            R::NoItems => Problem::new(Code::InvalidBody, detail).error(
                Place::Pointer(items_at.unwrap_or_default().to_owned()),
                "empty",
                "at least one item is needed",
            ),
            R::Items(faults) => items_rejected(faults, items_at),
            R::AddressRequired => Problem::new(Code::AddressRequired, detail).error(
                Place::Pointer("/shipping_address".to_owned()),
                "missing",
                "is required for what has to be sent",
            ),
            R::TotalChanged { expected, actual } => Problem::new(Code::TotalChanged, detail)
                .with("expected_total", money(*expected))
                .with("total", money(*actual)),
            R::PaymentRecorded => Problem::new(Code::PaymentRecorded, detail),
            R::AlreadyPaid => Problem::new(Code::AlreadyPaid, detail),
            R::PaymentOfZero => at(Code::PaymentRejected, detail, "/amount/amount", "out_of_range"),
            R::PaymentCurrency { .. } => at(Code::PaymentRejected, detail, "/amount/currency", "other_currency"),
            R::AboveBalance { balance } => {
                at(Code::AboveBalance, detail, "/amount/amount", "above_balance").with("balance", money(*balance))
            }
            R::ReferenceReused { recorded } => {
                Problem::new(Code::ReferenceReused, detail).with("recorded_amount", money(*recorded))
            }
            R::Money(error) => Problem::new(Code::AmountTooLarge, detail).error(
                Place::Pointer(String::new()),
                error.code(),
                error.to_string(),
            ),
        }
    }

    fn current(order: &Order) -> Option<Value> {
        let placed = order.placed()?;
        Some(json!({
            "status": order.status(),
            "paid": order.is_paid(),
            "total": money(placed.total),
            "paid_amount": money(placed.paid_amount),
        }))
    }
}

impl Refuses for Product {
    const NOT_FOUND: Code = Code::ProductNotFound;

    fn refusal(rejection: &product::Rejection, _items_at: Option<&str>) -> Problem {
        let detail = sentence(rejection);
        match rejection {
            product::Rejection::AlreadyExists => Problem::new(Code::ProductExists, detail),
            product::Rejection::NotFound => Problem::new(Code::ProductNotFound, detail),
            product::Rejection::PriceTooHigh => at(Code::PriceTooHigh, detail, "/price/amount", "out_of_range"),
            product::Rejection::TooManyCategories => at(Code::TooMany, detail, "/categories", "too_many"),
            product::Rejection::TooManyTranslations => at(Code::TooMany, detail, "/translations", "too_many"),
        }
    }

    fn current(product: &Product) -> Option<Value> {
        match product {
            Product::Absent => None,
            Product::Listed(listed) => Some(json!({ "status": status(listed.status), "price": money(listed.price) })),
        }
    }
}

impl Refuses for Category {
    const NOT_FOUND: Code = Code::CategoryNotFound;

    fn refusal(rejection: &category::Rejection, _items_at: Option<&str>) -> Problem {
        let detail = sentence(rejection);
        match rejection {
            category::Rejection::AlreadyExists => Problem::new(Code::CategoryExists, detail),
            category::Rejection::NotFound => Problem::new(Code::CategoryNotFound, detail),
            category::Rejection::TooManyTranslations => at(Code::TooMany, detail, "/translations", "too_many"),
        }
    }

    fn current(category: &Category) -> Option<Value> {
        match category {
            Category::Absent => None,
            Category::Listed(listed) => Some(json!({ "removed": listed.removed })),
        }
    }
}

impl Refuses for Newsletter {
    const NOT_FOUND: Code = Code::NewsletterNotFound;

    fn refusal(rejection: &newsletter::Rejection, _items_at: Option<&str>) -> Problem {
        let detail = sentence(rejection);
        match rejection {
            newsletter::Rejection::AlreadyExists => Problem::new(Code::NewsletterExists, detail),
            newsletter::Rejection::NotFound => Problem::new(Code::NewsletterNotFound, detail),
            newsletter::Rejection::AlreadyReleased => Problem::new(Code::NewsletterReleased, detail),
            newsletter::Rejection::TooManyTranslations => at(Code::TooMany, detail, "/translations", "too_many"),
        }
    }

    fn current(newsletter: &Newsletter) -> Option<Value> {
        newsletter.content().map(|_| json!({ "released": newsletter.is_released() }))
    }
}

/// A product's status as clients see it.
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Withdrawn => "withdrawn",
    }
}

fn items_rejected(faults: &[ItemFault], items_at: Option<&str>) -> Problem {
    let mut problem = Problem::new(Code::ItemsRejected, "Each item that can't be ordered is named under errors.");
    for fault in faults {
        let (member, code) = match fault.problem {
            ItemProblem::UnknownSku => ("sku", "unknown_sku"),
            ItemProblem::Withdrawn => ("sku", "withdrawn"),
            ItemProblem::OtherCurrency { .. } => ("sku", "other_currency"),
            ItemProblem::Line(LineError::QuantityTooLarge) => ("quantity", "out_of_range"),
            ItemProblem::Line(LineError::TooMany) => ("sku", "too_many_lines"),
        };
        let pointer = match items_at {
            Some(items) => format!("{items}/{}/{member}", fault.index),
            None => format!("/{member}"),
        };
        problem = problem.error(Place::Pointer(pointer), code, fault.problem.to_string());
    }
    problem
}

fn at(code: Code, detail: String, pointer: &str, fault: &'static str) -> Problem {
    let fault_detail = detail.clone();
    Problem::new(code, detail).error(Place::Pointer(pointer.to_owned()), fault, fault_detail)
}

fn money(money: Money) -> Value {
    json!({ "amount": money.amount().to_string(), "currency": money.currency().code() })
}

/// The domain's words, which begin small and end without a stop, as a sentence.
fn sentence(words: &impl std::fmt::Display) -> String {
    let mut text = words.to_string();
    if let Some(first) = text.get(..1).map(str::to_ascii_uppercase) {
        text.replace_range(..1, &first);
    }
    text.push('.');
    text
}

#[cfg(test)]
mod tests;
