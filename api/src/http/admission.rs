//! Who is let in when there is more to do than can be done: so many requests are worked on at once, and the bodies of
//! all requests together take so many bytes. The surplus is refused at once.
//!
//! A request gives its place up while it waits for its body: however slowly clients send, they keep nobody from being
//! served, and hold no more than their connection and the bytes that came. Nor do large bodies that do not go on until
//! their time is over keep small ones out: what is beyond a body's first 64 KiB comes out of half of the room for
//! bodies, the other half is for the rest.

use crate::problem::{Code, Problem};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a body takes before it counts as large. An order of a hundred lines has 10 KiB.
const SMALL_BODY_BYTES: usize = 64 << 10;

/// What there is to share out.
#[derive(Debug)]
pub(super) struct Room {
    requests: Arc<Semaphore>,
    body_bytes: Arc<Semaphore>,
    /// How many of them may be beyond [`SMALL_BODY_BYTES`] of their bodies.
    large_body_bytes: Arc<Semaphore>,
}

/// A request's share. It is given back when the last clone is dropped, which is when the request is answered.
#[derive(Debug, Clone)]
pub struct Place(Arc<Share>);

#[derive(Debug)]
struct Share {
    room: Arc<Room>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    request: Option<OwnedSemaphorePermit>,
    body_bytes: Option<OwnedSemaphorePermit>,
    large_body_bytes: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(super) fn new(max_requests: usize, max_body_bytes: usize) -> Arc<Self> {
        let permits = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self {
            requests: permits(max_requests),
            body_bytes: permits(max_body_bytes),
            large_body_bytes: permits(max_body_bytes / 2),
        })
    }

    /// Lets a request in, if there is a place.
    pub(super) fn enter(self: &Arc<Self>) -> Result<Place, Problem> {
        let place = Place(Arc::new(Share { room: Arc::clone(self), taken: Mutex::default() }));
        place.resume()?;
        Ok(place)
    }
}

impl Place {
    /// Lets another request in, while this one waits for its client.
    pub(super) fn pause(&self) {
        self.taken().request = None;
    }

    /// Goes on, if there is a place.
    pub(super) fn resume(&self) -> Result<(), Problem> {
        let mut taken = self.taken();
        if taken.request.is_none() {
            let permit = Arc::clone(&self.0.room.requests).try_acquire_owned();
            taken.request = Some(permit.map_err(|_| overloaded())?);
        }
        Ok(())
    }

    /// Holds so many more bytes of a body, if there is room for them.
    pub(super) fn hold(&self, bytes: usize) -> Result<(), Problem> {
        let mut taken = self.taken();
        let held = taken.body_bytes.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let large = (held + bytes).saturating_sub(held.max(SMALL_BODY_BYTES));
        let more = acquire(&self.0.room.body_bytes, bytes)?;
        let more_large = acquire(&self.0.room.large_body_bytes, large)?;
        merge(&mut taken.body_bytes, more);
        merge(&mut taken.large_body_bytes, more_large);
        Ok(())
    }

    /// Gives back what was held of the body.
    pub(super) fn let_go(&self) {
        let mut taken = self.taken();
        (taken.body_bytes, taken.large_body_bytes) = (None, None);
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn acquire(room: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
    let count = u32::try_from(bytes).map_err(|_| overloaded())?;
    Arc::clone(room).try_acquire_many_owned(count).map_err(|_| overloaded())
}

fn merge(held: &mut Option<OwnedSemaphorePermit>, more: OwnedSemaphorePermit) {
    match held {
        Some(held) => held.merge(more),
        none => *none = Some(more),
    }
}

/// There is no room for this now.
pub(crate) fn overloaded() -> Problem {
    Problem::new(Code::Overloaded, "Nothing was changed; try again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(outcome: Result<(), Problem>) -> Option<Code> {
        outcome.err().map(|problem| problem.code())
    }

    #[test]
    fn whoever_waits_for_a_client_lets_another_in() {
        let room = Room::new(1, 0);
        let first = room.enter().unwrap();
        assert_eq!(room.enter().unwrap_err().code(), Code::Overloaded);
        first.pause();
        let second = room.enter().unwrap();
        assert_eq!(code(first.resume()), Some(Code::Overloaded));
        drop(second);
        assert_eq!(code(first.resume()), None);
        assert_eq!(code(first.resume()), None, "it has its place already");
        assert!(room.enter().is_err());
    }

    #[test]
    fn bytes_are_held_until_the_request_is_answered() {
        let room = Room::new(2, 10);
        let (one, other) = (room.enter().unwrap(), room.enter().unwrap());
        for bytes in [3, 4] {
            assert_eq!(code(one.clone().hold(bytes)), None);
        }
        assert_eq!(code(other.hold(4)), Some(Code::Overloaded));
        assert_eq!(code(other.hold(3)), None);
        drop(one);
        assert_eq!(code(other.hold(7)), None);
    }

    #[test]
    fn large_bodies_leave_half_of_the_room_to_small_ones() {
        let room = Room::new(9, 6 * SMALL_BODY_BYTES);
        let [large, growing, small] = [(); 3].map(|()| room.enter().unwrap());
        assert_eq!(code(large.hold(4 * SMALL_BODY_BYTES)), None);
        assert_eq!(code(growing.hold(SMALL_BODY_BYTES)), None);
        assert_eq!(code(growing.hold(1)), Some(Code::Overloaded), "it would be a large one too");
        assert_eq!(code(small.hold(SMALL_BODY_BYTES)), None);
        large.let_go();
        assert_eq!(code(growing.hold(1)), None);
    }
}
