//! Who is let in when there is more to do than can be done: so many requests are worked on at once, and the bodies of all
//! requests together take so many bytes. The surplus is refused at once.
//!
//! A request gives its place up while it waits for its body: however slowly clients send, they keep nobody from being
//! served, and hold no more than their connection and the bytes that came.

use crate::problem::{Code, Problem};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What there is to share out.
#[derive(Debug)]
pub(super) struct Room {
    requests: Arc<Semaphore>,
    body_bytes: Arc<Semaphore>,
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
}

impl Room {
    pub(super) fn new(max_requests: usize, max_body_bytes: usize) -> Arc<Self> {
        let permits = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self { requests: permits(max_requests), body_bytes: permits(max_body_bytes) })
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
        let count = u32::try_from(bytes).map_err(|_| overloaded())?;
        let room = Arc::clone(&self.0.room.body_bytes);
        let permit = room.try_acquire_many_owned(count).map_err(|_| overloaded())?;
        let mut taken = self.taken();
        match &mut taken.body_bytes {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }

    /// Gives back what was held of the body.
    pub(super) fn let_go(&self) {
        self.taken().body_bytes = None;
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
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
}
