//! Whether anybody leads in what one process does at a time.

use super::reader::ReaderId;
use super::status::ReaderKind;
use commands::lead::HeldLease;
use projections::Views;

/// Each reader that is led: the views, and the relay.
pub(super) fn roles() -> impl Iterator<Item = ReaderId> {
    let views = Views::names().map(|name| ReaderId { kind: ReaderKind::Projection, name });
    views.chain([ReaderId { kind: ReaderKind::Relay, name: consumers::relay::RELAY }])
}

/// Whether one of these leases, which are held, is of this reader: of any version of a view, and of the relay under any
/// prefix of Kafka's topics.
pub(super) fn is_led(held: &[HeldLease], id: ReaderId) -> bool {
    let named = id.to_string();
    held.iter().map(|lease| lease.name.as_str()).any(|lease| match id.kind {
        ReaderKind::Projection => lease.rsplit_once(" v").is_some_and(|(view, _)| view == named),
        _ => lease.ends_with(&named),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use uuid::Uuid;

    #[test]
    fn a_lease_is_of_any_version_and_of_any_prefix() {
        let lease = |name: &str| HeldLease {
            name: name.to_owned(),
            holder: Uuid::nil(),
            token: 1,
            since: DateTime::UNIX_EPOCH,
        };
        let view = |name| ReaderId { kind: ReaderKind::Projection, name };
        let relay = ReaderId { kind: ReaderKind::Relay, name: consumers::relay::RELAY };
        let held = [lease("projection order_list v4"), lease("blue.relay")];
        let led = [view("order_list"), view("order_totals"), view("list"), relay].map(|id| is_led(&held, id));
        assert_eq!(led, [true, false, false, true]);
        assert!(!is_led(&held[..1], relay));
        assert!(is_led(&[lease("relay")], relay));
    }
}
