//! Which orders' confirmations are awaited by somebody who watches.

use super::news::Mail;
use domain::ids::{EventId, OrderId};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Mails(Mutex<HashMap<EventId, Awaited>>);

#[derive(Debug)]
struct Awaited {
    order: OrderId,
    /// What was told last. `None` before anything was: the first look tells.
    told: Option<Mail>,
}

impl Mails {
    /// Looks after the mail for this event from now on, until it was sent or nobody watches its order any more.
    pub(super) fn wait_for(&self, order: OrderId, placed: EventId) {
        self.awaited().entry(placed).or_insert(Awaited { order, told: None });
    }

    /// The events whose mails are awaited. Those of orders that nobody watches are forgotten.
    pub(super) fn of(&self, watched: &HashSet<OrderId>) -> Vec<EventId> {
        let mut awaited = self.awaited();
        awaited.retain(|_, mail| watched.contains(&mail.order));
        awaited.keys().copied().collect()
    }

    /// Takes note of what became of a mail; returns whom to tell, if there is something to tell.
    pub(super) fn found(&self, placed: EventId, mail: Mail) -> Option<OrderId> {
        let mut awaited = self.awaited();
        let known = awaited.get_mut(&placed)?;
        let (order, is_new) = (known.order, known.told != Some(mail));
        known.told = Some(mail);
        if mail == Mail::Sent {
            awaited.remove(&placed);
        }
        is_new.then_some(order)
    }

    fn awaited(&self) -> MutexGuard<'_, HashMap<EventId, Awaited>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ORDER: OrderId = OrderId(Uuid::from_u128(1));
    const PLACED: EventId = EventId(Uuid::from_u128(2));

    #[test]
    fn a_mail_is_looked_after_until_it_was_sent() {
        let mails = Mails::default();
        mails.wait_for(ORDER, PLACED);
        mails.wait_for(ORDER, PLACED);
        let watched = HashSet::from([ORDER]);
        assert_eq!(mails.of(&watched), [PLACED]);
        assert_eq!(mails.found(PLACED, Mail::Awaited), Some(ORDER), "who looked before may know it otherwise");
        assert_eq!(mails.found(PLACED, Mail::Awaited), None);
        assert_eq!(mails.found(PLACED, Mail::Troubled), Some(ORDER));
        assert_eq!(mails.found(PLACED, Mail::Sent), Some(ORDER));
        assert_eq!(mails.of(&watched), Vec::new());
        assert_eq!(mails.found(PLACED, Mail::Sent), None);
    }

    #[test]
    fn nobody_looks_for_what_nobody_watches() {
        let mails = Mails::default();
        mails.wait_for(ORDER, PLACED);
        assert_eq!(mails.of(&HashSet::new()), Vec::new());
        assert_eq!(mails.of(&HashSet::from([ORDER])), Vec::new());
    }
}
