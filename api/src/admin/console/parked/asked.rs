//! Which items are meant: as the query of their page says it, and as a deed writes it down. Names and meanings are
//! those of `/v1/ops/parked`.

use crate::admin::list::Query;
use crate::admin::texts::text;
use crate::v1::ops::parked::STATES;
use consumers::parked::Filter;

/// The most characters of what is typed.
pub(super) const MAX_CHARS: usize = 200;

pub(super) const CONSUMER: &str = "consumer";
pub(super) const ORDER: &str = "order";
pub(super) const EVENT_TYPE: &str = "type";
pub(super) const REASON: &str = "reason";
pub(super) const STATE: &str = "state";

/// Stands for all items, in a deed.
const ALL: &str = "*";

/// The filter of a page; `None` where a part of it can't be understood: to leave that out would mean more items than
/// were asked for.
pub(super) fn of_query(query: &Query) -> Option<Filter> {
    let mut filter = Filter::default();
    for name in [CONSUMER, ORDER, EVENT_TYPE, REASON, STATE] {
        if let Some(text) = query.get(name) {
            set(&mut filter, name, text)?;
        }
    }
    Some(filter)
}

/// A filter as a deed has it: `consumer=order_mail&reason=550`, or `*` for all.
pub(in super::super) fn written(filter: &Filter) -> String {
    if filter.is_empty() {
        return ALL.to_owned();
    }
    let given = parts(filter).into_iter().filter_map(|(name, value)| Some((name, value?)));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
}

/// Reads what [`written`] wrote; `None` for anything else.
pub(in super::super) fn read(text: &str) -> Option<Filter> {
    let mut filter = Filter::default();
    if text != ALL {
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            set(&mut filter, &name, &value)?;
        }
    }
    // What is written twice, or asks for nothing, is not ours.
    (written(&filter) == text).then_some(filter)
}

/// A filter for people: what is asked for, and by which value.
pub(in super::super) fn described(filter: &Filter) -> Vec<(String, String)> {
    let label = |name| match name {
        CONSUMER => text("ops-consumer"),
        ORDER => text("ops-of"),
        EVENT_TYPE => text("ops-event"),
        REASON => text("ops-reason-has"),
        _ => text("job-state"),
    };
    parts(filter).into_iter().filter_map(|(name, value)| Some((label(name), value?.to_owned()))).collect()
}

fn parts(filter: &Filter) -> [(&'static str, Option<&str>); 5] {
    let Filter { consumer, aggregate_id, event_type, reason, state } = filter;
    [
        (CONSUMER, consumer.as_deref()),
        (ORDER, aggregate_id.as_deref()),
        (EVENT_TYPE, event_type.as_deref()),
        (REASON, reason.as_deref()),
        (STATE, state.map(|state| state.as_str())),
    ]
}

fn set(filter: &mut Filter, name: &str, text: &str) -> Option<()> {
    let text = text.trim();
    if text.chars().count() > MAX_CHARS || text.chars().any(char::is_control) {
        return None;
    }
    let part = match name {
        CONSUMER => &mut filter.consumer,
        ORDER => &mut filter.aggregate_id,
        EVENT_TYPE => &mut filter.event_type,
        REASON => &mut filter.reason,
        STATE => {
            filter.state = Some(STATES.into_iter().find(|state| state.as_str() == text)?);
            return Some(());
        }
        _ => return None,
    };
    *part = Some(text.to_owned()).filter(|text| !text.is_empty());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use consumers::ledger::State;

    #[test]
    fn a_filter_reads_back() {
        let text = |text: &str| Some(text.to_owned());
        for filter in [
            Filter::default(),
            Filter { consumer: text("order_mail"), ..Filter::default() },
            Filter { reason: text("*"), ..Filter::default() },
            Filter { state: Some(State::Waiting), ..Filter::default() },
            Filter {
                consumer: text("order_mail"),
                aggregate_id: text("a b"),
                event_type: text("OrderPaid"),
                reason: text("550 & more = \"없음\""),
                state: Some(State::Unknown),
            },
        ] {
            assert_eq!(read(&written(&filter)), Some(filter));
        }
    }

    #[test]
    fn what_can_not_be_understood_is_not_left_out() {
        for text in ["", "order_mail", "consumer=", "shop=a", "state=done", "reason=a&reason=b", "reason=%00", "* "] {
            assert_eq!(read(text), None, "{text}");
        }
        let of = |query: &str| of_query(&Query::parse(Some(query)));
        assert_eq!(of(&format!("reason={}", "a".repeat(MAX_CHARS + 1))), None);
        assert_eq!(of("state=done"), None);
        assert_eq!(of("reason=+550+&after=7&order=+"), read("reason=550"));
    }
}
