//! Who is connected to this process, in groups: news is sent to a group, or to some of it, and a group can be closed.
//!
//! Nothing here waits. Each socket has a queue of its own, and one whose queue is full is closed: it catches up when it
//! comes again, and keeps nobody else waiting.

use super::LiveSettings;
use super::news::News;
use domain::ids::OrderId;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// Sockets that have something in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// Those that watch one order.
    Order(OrderId),
    /// The tabs of one session.
    Session(Uuid),
    /// Those of one member, in all sessions.
    Member(Uuid),
    /// Those of everybody behind the counter.
    Staff,
}

/// Who is at a socket. It is in the groups of all that is said here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Badge {
    /// The order that is watched.
    pub order: Option<OrderId>,
    /// The visitor's session, where there is one.
    pub session: Option<Uuid>,
    /// The member, where it is one.
    pub member: Option<Uuid>,
    /// Whether it is somebody behind the counter.
    pub is_staff: bool,
}

impl Badge {
    fn groups(self) -> impl Iterator<Item = Group> {
        let order = self.order.map(Group::Order);
        let session = self.session.map(Group::Session);
        let member = self.member.map(Group::Member);
        let staff = self.is_staff.then_some(Group::Staff);
        [order, session, member, staff].into_iter().flatten()
    }
}

/// Why a socket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// This process ends; another one is there.
    GoingAway,
    /// It sent what our pages do not send.
    Violation,
    /// It sent more at once than our pages do.
    TooBig,
    /// What it knows has to be asked for anew.
    Again,
    /// It was too slow for what there was to tell.
    TooSlow,
    /// It said nothing for too long.
    Silent,
    /// Who was let in before is not any more.
    Ended,
}

impl Close {
    /// RFC 6455, section 7.4.1; from 4000 on our own.
    pub const fn code(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::Violation => 1008,
            Self::TooBig => 1009,
            Self::Again => 1012,
            Self::TooSlow => 1013,
            Self::Silent => 4000,
            Self::Ended => 4001,
        }
    }

    /// For whoever looks at the connection.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::GoingAway => "going away",
            Self::Violation => "not understood",
            Self::TooBig => "too big",
            Self::Again => "come again",
            Self::TooSlow => "too slow",
            Self::Silent => "silent",
            Self::Ended => "ended",
        }
    }
}

/// Why nobody more is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// This process has as many sockets as it takes, or is ending.
    Process,
    /// The order or the visitor has.
    Group(Group),
}

/// All that are connected to this process. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

struct Shared {
    settings: LiveSettings,
    tables: Mutex<Tables>,
    /// How many sockets there are to tell something.
    sockets: watch::Sender<usize>,
    /// How many seats are taken, those included that are being closed.
    seats: watch::Sender<usize>,
    /// Whether somebody fetches news.
    awake: watch::Sender<bool>,
}

#[derive(Default)]
struct Tables {
    sockets: HashMap<u64, Socket>,
    groups: HashMap<Group, HashSet<u64>>,
    last_id: u64,
    is_closed: bool,
}

struct Socket {
    badge: Badge,
    queue: mpsc::Sender<Arc<News>>,
    end: Arc<OnceLock<Close>>,
}

/// A socket's place among the others. It leaves when this is dropped.
pub struct Seat {
    hub: Hub,
    id: u64,
    queue: mpsc::Receiver<Arc<News>>,
    end: Arc<OnceLock<Close>>,
}

/// The right to fetch news for all, held by whoever does. When it is dropped without a word, all that are connected are
/// told to come again: what happens until the next one fetches would pass them by.
pub(super) struct Awake {
    hub: Hub,
    is_over: bool,
}

impl Hub {
    /// Without anybody.
    pub fn new(settings: LiveSettings) -> Self {
        Self(Arc::new(Shared {
            settings,
            tables: Mutex::default(),
            sockets: watch::Sender::new(0),
            seats: watch::Sender::new(0),
            awake: watch::Sender::new(false),
        }))
    }

    /// Lets somebody in, if there is room: in the process, and in each of the groups.
    pub fn join(&self, badge: Badge) -> Result<Seat, Full> {
        let (queue, news) = mpsc::channel(self.0.settings.max_queued.max(1));
        let end = Arc::new(OnceLock::new());
        let mut tables = self.tables();
        if tables.is_closed || tables.sockets.len() >= self.0.settings.max_sockets {
            return Err(Full::Process);
        }
        if let Some(full) = badge.groups().find(|group| tables.size(*group) >= self.most(*group)) {
            return Err(Full::Group(full));
        }
        tables.last_id += 1;
        let id = tables.last_id;
        for group in badge.groups() {
            tables.groups.entry(group).or_default().insert(id);
        }
        tables.sockets.insert(id, Socket { badge, queue, end: Arc::clone(&end) });
        self.0.seats.send_modify(|seats| *seats += 1);
        self.count(&tables);
        Ok(Seat { hub: self.clone(), id, queue: news, end })
    }

    /// Sends news to a group; returns how many were reached.
    pub fn send(&self, group: Group, news: &Arc<News>) -> usize {
        self.send_to_some(group, news, |_| true)
    }

    /// Sends news to those of a group that `wanted` picks; returns how many were reached. `wanted` must not use the
    /// hub.
    pub fn send_to_some(&self, group: Group, news: &Arc<News>, wanted: impl Fn(&Badge) -> bool) -> usize {
        let mut tables = self.tables();
        let (mut reached, mut slow) = (0, Vec::new());
        for id in tables.groups.get(&group).into_iter().flatten() {
            let Some(socket) = tables.sockets.get(id).filter(|socket| wanted(&socket.badge)) else { continue };
            match socket.queue.try_send(Arc::clone(news)) {
                Ok(()) => reached += 1,
                Err(_) => slow.push(*id),
            }
        }
        for id in slow {
            tables.remove(id, Some(Close::TooSlow));
        }
        self.count(&tables);
        reached
    }

    /// Closes a group, each after what was sent to it before; returns how many that were.
    pub fn close(&self, group: Group, why: Close) -> usize {
        let mut tables = self.tables();
        let ids: Vec<u64> = tables.groups.get(&group).into_iter().flatten().copied().collect();
        for id in &ids {
            tables.remove(*id, Some(why));
        }
        self.count(&tables);
        ids.len()
    }

    /// Closes all, and lets nobody in any more.
    pub(super) fn close_for_good(&self) {
        let mut tables = self.tables();
        tables.is_closed = true;
        tables.remove_all(Close::GoingAway);
        self.count(&tables);
    }

    /// The orders that somebody watches.
    pub(super) fn orders(&self) -> HashSet<OrderId> {
        let order = |group: &Group| if let Group::Order(order) = group { Some(*order) } else { None };
        self.tables().groups.keys().filter_map(order).collect()
    }

    /// Returns when somebody is connected.
    pub(super) async fn occupied(&self) {
        // The sender lives as long as this.
        let _ = self.0.sockets.subscribe().wait_for(|sockets| *sockets > 0).await.map(drop);
    }

    /// Returns when nobody is connected.
    pub(super) async fn deserted(&self) {
        let _ = self.0.sockets.subscribe().wait_for(|sockets| *sockets == 0).await.map(drop);
    }

    /// Returns when everybody has left who was let in.
    pub(super) async fn left(&self) {
        let _ = self.0.seats.subscribe().wait_for(|seats| *seats == 0).await.map(drop);
    }

    /// Returns when news is being fetched: whoever joined before, and looks how things are only now, misses nothing.
    pub(super) async fn awake(&self) {
        let _ = self.0.awake.subscribe().wait_for(|awake| *awake).await.map(drop);
    }

    /// Says that from now on all news is fetched.
    pub(super) fn wake(&self) -> Awake {
        self.0.awake.send_replace(true);
        Awake { hub: self.clone(), is_over: false }
    }

    fn most(&self, group: Group) -> usize {
        match group {
            Group::Order(_) => self.0.settings.max_sockets_per_order,
            Group::Session(_) | Group::Member(_) => self.0.settings.max_sockets_per_visitor,
            Group::Staff => self.0.settings.max_sockets,
        }
    }

    /// Under the lock, so that whoever waits for a number sees it in order.
    fn count(&self, tables: &Tables) {
        let now = tables.sockets.len();
        let has_changed = self.0.sockets.send_if_modified(|sockets| std::mem::replace(sockets, now) != now);
        if has_changed {
            metrics::gauge!("orders_live_sockets").set(now as f64);
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn size(&self, group: Group) -> usize {
        self.groups.get(&group).map_or(0, HashSet::len)
    }

    fn remove(&mut self, id: u64, why: Option<Close>) {
        let Some(socket) = self.sockets.remove(&id) else { return };
        if let Some(why) = why {
            // The first reason is the one.
            let _ = socket.end.set(why);
            metrics::counter!("orders_live_closed_total", "why" => why.reason()).increment(1);
        }
        for group in socket.badge.groups() {
            if let Some(ids) = self.groups.get_mut(&group) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.groups.remove(&group);
                }
            }
        }
    }

    fn remove_all(&mut self, why: Close) {
        let ids: Vec<u64> = self.sockets.keys().copied().collect();
        for id in ids {
            self.remove(id, Some(why));
        }
    }
}

impl Seat {
    /// The next news, or why there is none any more: after what was sent before, but at once where that is too much
    /// already. Cancel safe.
    pub async fn next(&mut self) -> Result<Arc<News>, Close> {
        if self.end.get() == Some(&Close::TooSlow) {
            return Err(Close::TooSlow);
        }
        let news = self.queue.recv().await;
        news.ok_or_else(|| self.end.get().copied().unwrap_or(Close::GoingAway))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut tables = self.hub.tables();
        tables.remove(self.id, None);
        self.hub.count(&tables);
        self.hub.0.seats.send_modify(|seats| *seats -= 1);
    }
}

impl Awake {
    /// Stops fetching, if nobody is connected. Whoever joins later waits until it goes on.
    pub(super) fn doze(mut self) -> Result<(), Self> {
        let hub = self.hub.clone();
        let tables = hub.tables();
        if !tables.sockets.is_empty() {
            return Err(self);
        }
        hub.0.awake.send_replace(false);
        self.is_over = true;
        Ok(())
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut tables = self.hub.tables();
        self.hub.0.awake.send_replace(false);
        tables.remove_all(Close::Again);
        self.hub.count(&tables);
    }
}

#[cfg(test)]
mod tests;
