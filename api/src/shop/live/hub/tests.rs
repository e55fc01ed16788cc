use super::super::news::Mail;
use super::*;
use futures::FutureExt;

const TEA: OrderId = OrderId(Uuid::from_u128(1));
const CUP: OrderId = OrderId(Uuid::from_u128(2));

fn hub(settings: LiveSettings) -> Hub {
    Hub::new(settings)
}

fn small() -> LiveSettings {
    LiveSettings {
        max_sockets: 5,
        max_sockets_per_order: 3,
        max_sockets_per_visitor: 2,
        max_queued: 2,
        ..LiveSettings::default()
    }
}

fn watcher(order: OrderId) -> Badge {
    Badge { order: Some(order), ..Badge::default() }
}

fn of_session(order: OrderId, session: u128) -> Badge {
    Badge { session: Some(Uuid::from_u128(session)), ..watcher(order) }
}

fn news(mail: Mail) -> Arc<News> {
    Arc::new(News::Mail(TEA, mail))
}

/// What is there at once.
fn waiting(seat: &mut Seat) -> Option<Result<Arc<News>, Close>> {
    seat.next().now_or_never()
}

#[test]
fn news_reaches_a_group_and_nobody_else() {
    let hub = hub(small());
    let [mut one, mut two] = [(); 2].map(|()| hub.join(watcher(TEA)).unwrap());
    let mut other = hub.join(watcher(CUP)).unwrap();
    assert_eq!(hub.send(Group::Order(TEA), &news(Mail::Sent)), 2);
    for seat in [&mut one, &mut two] {
        assert_eq!(waiting(seat), Some(Ok(news(Mail::Sent))));
        assert_eq!(waiting(seat), None);
    }
    assert_eq!(waiting(&mut other), None);
    assert_eq!(hub.orders(), HashSet::from([TEA, CUP]));
    drop((one, two));
    assert_eq!(hub.send(Group::Order(TEA), &news(Mail::Sent)), 0);
    assert_eq!(hub.orders(), HashSet::from([CUP]));
}

#[test]
fn some_of_a_group_are_told() {
    let hub = hub(small());
    let mut customer = hub.join(of_session(TEA, 1)).unwrap();
    let mut staff = hub.join(Badge { is_staff: true, ..watcher(TEA) }).unwrap();
    let reached = hub.send_to_some(Group::Order(TEA), &news(Mail::Troubled), |badge| badge.is_staff);
    assert_eq!((reached, waiting(&mut customer)), (1, None));
    assert_eq!(waiting(&mut staff), Some(Ok(news(Mail::Troubled))));
    assert_eq!(hub.send(Group::Staff, &news(Mail::Sent)), 1);
}

#[test]
fn a_group_is_closed_after_what_it_was_sent() {
    let hub = hub(small());
    let (mut mine, mut other) = (hub.join(of_session(TEA, 1)).unwrap(), hub.join(of_session(TEA, 2)).unwrap());
    hub.send(Group::Order(TEA), &news(Mail::Sent));
    assert_eq!(hub.close(Group::Session(Uuid::from_u128(1)), Close::Ended), 1);
    assert_eq!(waiting(&mut mine), Some(Ok(news(Mail::Sent))));
    assert_eq!(waiting(&mut mine), Some(Err(Close::Ended)));
    assert_eq!(waiting(&mut other), Some(Ok(news(Mail::Sent))));
    assert_eq!(waiting(&mut other), None, "another session stays");
    assert_eq!(hub.send(Group::Order(TEA), &news(Mail::Sent)), 1);
}

#[test]
fn who_is_too_slow_is_closed_and_the_others_go_on() {
    let hub = hub(small());
    let (mut slow, mut quick) = (hub.join(watcher(TEA)).unwrap(), hub.join(watcher(TEA)).unwrap());
    for _ in 0..2 {
        assert_eq!(hub.send(Group::Order(TEA), &news(Mail::Awaited)), 2);
        assert!(matches!(waiting(&mut quick), Some(Ok(_))));
    }
    assert_eq!(hub.send(Group::Order(TEA), &news(Mail::Sent)), 1);
    assert_eq!(waiting(&mut slow), Some(Err(Close::TooSlow)), "at once, not after what it can't take");
    assert_eq!(waiting(&mut quick), Some(Ok(news(Mail::Sent))));
    assert_eq!(hub.send(Group::Order(TEA), &news(Mail::Sent)), 1);
}

#[test]
fn each_order_visitor_and_process_has_its_bound() {
    let hub = hub(small());
    let session = of_session(TEA, 1);
    let seats = [session, session, watcher(TEA)].map(|badge| hub.join(badge).unwrap());
    let full = |badge| hub.join(badge).err();
    assert_eq!(full(watcher(TEA)), Some(Full::Group(Group::Order(TEA))));
    assert_eq!(full(of_session(CUP, 1)), Some(Full::Group(Group::Session(Uuid::from_u128(1)))));
    let rest = [(); 2].map(|()| hub.join(watcher(CUP)).unwrap());
    assert_eq!(full(watcher(OrderId(Uuid::from_u128(3)))), Some(Full::Process));
    drop((seats, rest));
    assert!(hub.join(session).is_ok(), "who leaves makes room");
}

#[test]
fn nobody_is_let_in_once_it_is_over() {
    let hub = hub(small());
    let mut seat = hub.join(watcher(TEA)).unwrap();
    hub.close_for_good();
    assert_eq!(waiting(&mut seat), Some(Err(Close::GoingAway)));
    assert_eq!(hub.join(watcher(TEA)).err(), Some(Full::Process));
    assert_eq!(hub.left().now_or_never(), None, "it was told, and is still there");
    drop(seat);
    assert_eq!(hub.left().now_or_never(), Some(()));
}

#[test]
fn fetching_ends_only_with_the_last_who_listens() {
    let hub = hub(small());
    assert_eq!(hub.occupied().now_or_never(), None);
    let mut seat = hub.join(watcher(TEA)).unwrap();
    assert_eq!(hub.occupied().now_or_never(), Some(()));
    assert_eq!(hub.awake().now_or_never(), None);
    let awake = hub.wake();
    assert_eq!(hub.awake().now_or_never(), Some(()));
    let Err(awake) = awake.doze() else { panic!("somebody is connected") };
    assert_eq!(hub.awake().now_or_never(), Some(()));

    drop(awake);
    assert_eq!(waiting(&mut seat), Some(Err(Close::Again)), "what happens now would pass it by");
    drop(seat);
    assert_eq!(hub.deserted().now_or_never(), Some(()));
    assert!(hub.wake().doze().is_ok());
    assert_eq!(hub.awake().now_or_never(), None, "who comes now waits for the next to fetch");
}
