//! Query strings, as the lists and totals read them.
#![no_main]

use api::http::query::Query;
use api::problem::{Code, Place, Problem};
use api::v1::requests::{PageRequest, by, day, order_filter};
use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use libfuzzer_sys::fuzz_target;
use projections::order_list::Filter;

fuzz_target!(|data: &[u8]| {
    let Some((list, query)) = fuzz::choice(data, 3) else { return };
    let Some(query) = fuzz::text(query) else { return };
    match list {
        0 => orders(query),
        1 => totals(query),
        _ => events(query),
    }
});

/// Filters that are read are written out and read again as the same.
fn orders(text: &str) {
    let mut query = Query::new(Some(text));
    let (filter, page) = (order_filter(&mut query), PageRequest::of(&mut query));
    assert!((1..=200).contains(&page.limit));
    match query.finish() {
        Ok(()) => {
            let times = [filter.placed_from, filter.placed_to, filter.updated_from, filter.updated_to];
            if times.iter().flatten().all(|time| (0..=9999).contains(&time.year())) {
                let mut again = written(&filter);
                again.push_str(&format!("limit={}", page.limit));
                let mut query = Query::new(Some(&again));
                assert_eq!(order_filter(&mut query), filter, "{again}");
                assert_eq!(PageRequest::of(&mut query).limit, page.limit);
                assert!(query.finish().is_ok(), "{again}");
            }
        }
        Err(problem) => refused(&problem),
    }
}

fn written(filter: &Filter) -> String {
    let time = |name: &str, time: Option<DateTime<Utc>>| {
        time.map(|time| format!("{name}={}&", time.to_rfc3339_opts(SecondsFormat::AutoSi, true))).unwrap_or_default()
    };
    [
        filter.paid.map(|paid| format!("paid={paid}&")).unwrap_or_default(),
        filter.status.map(|status| format!("status={}&", status.as_str())).unwrap_or_default(),
        time("placed_from", filter.placed_from),
        time("placed_to", filter.placed_to),
        time("updated_from", filter.updated_from),
        time("updated_to", filter.updated_to),
    ]
    .concat()
}

fn totals(text: &str) {
    let mut query = Query::new(Some(text));
    by(&mut query);
    for name in ["from", "to"] {
        if let Some(day) = day(&mut query, name) {
            assert!((0..=9999).contains(&day.year()), "{day}");
        }
    }
    PageRequest::of(&mut query);
    query.finish().unwrap_or_else(|problem| refused(&problem));
}

fn events(text: &str) {
    let mut query = Query::new(Some(text));
    query.number("after", 0, i64::MAX.unsigned_abs());
    query.number("limit", 1, 100_000_u32);
    query.finish().unwrap_or_else(|problem| refused(&problem));
}

fn refused(problem: &Problem) {
    assert_eq!(problem.code(), Code::InvalidQuery);
    assert!((1..=100).contains(&problem.faults().len()));
    assert!(problem.faults().iter().all(|fault| matches!(fault.place, Place::Parameter(_))));
}
