//! What needs a person.

use super::super::deed::{Act, Deed};
use super::super::parked::Row;
use crate::admin::AdminPage;
use crate::app::App;
use crate::problem::within;
use crate::shop::Fault;
use consumers::parked::{self, Decision, Filter};
use std::collections::BTreeMap;

/// How many are shown.
const SHOWN: u32 = 20;

/// The items, the first few of them.
pub(super) struct Parked {
    pub(super) count: u64,
    pub(super) rows: Vec<Row>,
    /// What can be done to all of each consumer, and to all.
    pub(super) sets: Vec<Set>,
    /// Where all are, by a filter.
    pub(super) list: &'static str,
    /// Where the dead-letter topic is looked at.
    pub(super) letters: &'static str,
    /// Where it is asked whether a mail was sent.
    pub(super) mails: &'static str,
}

/// Items of which there are several.
pub(super) struct Set {
    pub(super) consumer: Option<String>,
    pub(super) retry: Act,
    pub(super) discard: Act,
}

pub(super) async fn find(app: &App, page: &AdminPage) -> Result<Parked, Fault> {
    let pool = app.log.pool();
    let count = within(parked::count(pool, &Filter::default())).await?;
    let items = within(parked::list(pool, 0, SHOWN)).await?;
    let mut of_consumers: BTreeMap<&str, usize> = BTreeMap::new();
    for item in &items {
        *of_consumers.entry(&item.consumer).or_default() += 1;
    }
    let several = of_consumers.iter().filter(|(_, items)| **items > 1).map(|(name, _)| Some((*name).to_owned()));
    let all = (of_consumers.len() > 1).then_some(None);
    let sets = several.chain(all).map(|consumer| {
        let deed = |decision| Deed::Items(decision, Filter { consumer: consumer.clone(), ..Filter::default() }).act();
        Set { retry: deed(Decision::Retry), discard: deed(Decision::Discard), consumer }
    });
    Ok(Parked {
        count,
        sets: sets.collect(),
        list: super::super::parked::PATH,
        letters: super::super::letters::PATH,
        mails: super::super::mails::PATH,
        rows: items.into_iter().map(|item| Row::of(page, item, None)).collect(),
    })
}
