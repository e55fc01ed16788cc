//! What an order's page shows of its payment: how it stands, and the button.

use super::super::query::parameter;
use super::super::{Fault, Page, order_page};
use crate::app::App;
use crate::problem::Problem;
use commands::payments::intents::{Intent, IntentState};
use domain::ids::OrderId;
use domain::order::Order;

/// What went wrong when a payment was begun. Stands in the address that is led back to, as nothing of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::shop) enum Notice {
    /// The provider could not be reached, or refuses.
    Away,
    /// It takes no such amount.
    Amount,
}

impl Notice {
    /// As it stands in the address.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Amount => "amount",
        }
    }

    fn of(query: Option<&str>) -> Option<Self> {
        let text = parameter(query, "payment")?;
        [Self::Away, Self::Amount].into_iter().find(|notice| notice.as_str() == text)
    }
}

/// The panel: the variable `payment` of `payment.html`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::shop) struct Panel {
    /// How the payment stands: the kind of the notice, and its words.
    pub(in crate::shop) notice: Option<(&'static str, String)>,
    /// Where the form goes, and what its button says; `None` where nothing can be paid now.
    pub(in crate::shop) form: Option<(String, String)>,
    /// Where it is looked again how it stands; `None` where there is nothing to wait for.
    pub(in crate::shop) again: Option<String>,
    /// Whether no money moves.
    pub(in crate::shop) is_test: bool,
}

/// What is shown of an order's payment; `None` where the shop takes none on its pages, or all is paid.
pub(in crate::shop) async fn of(
    app: &App,
    page: &Page,
    id: OrderId,
    order: &Order,
    query: Option<&str>,
) -> Result<Option<Panel>, Fault> {
    let balance = order.placed().and_then(|placed| placed.balance().ok());
    let Some(balance) = balance.filter(|balance| app.payments.is_offered() && !balance.is_zero()) else {
        return Ok(None);
    };
    let last = app.payments.last_of(id).await.map_err(Problem::from)?;
    let is_under_way = last.as_ref().is_some_and(|intent| intent.state.is_under_way());
    let key = order_page::key(app).await?;
    let form = (!is_under_way).then(|| {
        let label = page.t1("payment-pay", "amount", page.money(&balance));
        (format!("/orders/{id}/pay/?{}", order_page::query(key, id)), label)
    });
    Ok(Some(Panel {
        notice: notice(page, last.as_ref(), Notice::of(query)),
        form,
        again: is_under_way.then(|| order_page::address(key, id)),
        is_test: app.payments.provider().is_some_and(|provider| provider.as_sandbox().is_some()),
    }))
}

fn notice(page: &Page, last: Option<&Intent>, begun: Option<Notice>) -> Option<(&'static str, String)> {
    let (kind, text) = match (begun, last.map(|intent| intent.state)) {
        (_, Some(IntentState::Settling)) => ("warn", "payment-settling"),
        (_, Some(IntentState::Pending)) => ("warn", "payment-pending"),
        (Some(Notice::Away), _) => ("bad", "payment-away"),
        (Some(Notice::Amount), _) => ("bad", "payment-amount"),
        (None, Some(IntentState::Declined)) => ("bad", "payment-declined"),
        (None, Some(IntentState::Failed)) => ("bad", "payment-failed"),
        (None, Some(IntentState::Cancelled)) => ("warn", "payment-cancelled"),
        (None, Some(IntentState::Expired)) => ("warn", "payment-expired"),
        // Of a paid order nothing is shown: what is left was added since.
        (None, Some(IntentState::New | IntentState::Open | IntentState::Paid) | None) => return None,
    };
    Some((kind, page.t(text)))
}

#[cfg(test)]
mod tests {
    use super::super::super::{Frame, ShopSettings};
    use super::*;
    use consumers::language::Lang;
    use domain::Money;
    use uuid::Uuid;

    fn intent(state: IntentState) -> Intent {
        Intent {
            id: Uuid::from_u128(1),
            order: OrderId(Uuid::from_u128(2)),
            provider: "sandbox".to_owned(),
            amount: Money::parse("12.50", "USD").unwrap(),
            locale: None,
            state,
            reference: None,
            approve_url: None,
            reason: None,
            attempts: 0,
            created_at: chrono::DateTime::UNIX_EPOCH,
            fence: 0,
        }
    }

    #[test]
    fn what_went_wrong_is_told_in_words_and_in_every_language() {
        use IntentState::{Cancelled, Declined, Expired, Failed, New, Open, Paid, Pending, Settling};
        for lang in Lang::ALL {
            let page = Page::new(Frame::new(ShopSettings::default()), lang, "/".to_owned());
            let told = |state, begun| notice(&page, Some(&intent(state)), begun);
            for state in [Settling, Pending, Declined, Failed, Cancelled, Expired] {
                assert!(told(state, None).is_some_and(|(_, words)| !words.starts_with("payment-")), "{state:?}");
            }
            for state in [New, Open, Paid] {
                assert_eq!(told(state, None), None, "{state:?}");
            }
            assert_ne!(told(Open, Some(Notice::Away)), told(Open, Some(Notice::Amount)));
            assert_eq!(told(Settling, Some(Notice::Away)), told(Settling, None), "money on its way goes before all");
        }
    }

    #[test]
    fn a_notice_reads_back_from_the_address() {
        for notice in [Notice::Away, Notice::Amount] {
            assert_eq!(Notice::of(Some(&format!("key=abc&payment={}", notice.as_str()))), Some(notice));
        }
        assert_eq!((Notice::of(Some("payment=free")), Notice::of(None)), (None, None));
    }
}
