//! The processes of one shop while they are killed: who has ended is looked at, counted, and started again.

use super::deck::{Card, Decks};
use super::tally::Tally;
use crate::shop_under_load::panics;
use crate::shop_under_load::shop::{BOUND, Role, Shop};
use api::failpoints;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};
use testkit::{Program, eventually};

/// How long a process may live until it comes by its failpoint often enough; then it is killed where it is. A consumer
/// that was killed keeps its group waiting for ten seconds.
const CARD_AT_MOST: Duration = Duration::from_secs(60);

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// Which processes make up a shop: mostly the one that does all, as that comes by every failpoint.
pub const SHAPES: [&[Role]; 6] = [
    &[Role::Serve],
    &[Role::Serve],
    &[Role::Serve],
    &[Role::Serve],
    &[Role::Api(0), Role::Api(1), Role::Relay, Role::Projections, Role::Consumers],
    // Two of each: one stands by, or shares the work.
    &[
        Role::Api(0),
        Role::Api(1),
        Role::Relay,
        Role::Relay,
        Role::Projections,
        Role::Projections,
        Role::Consumers,
        Role::Consumers,
    ],
];

/// The processes that make up the shop at the moment.
pub struct Crew<'a> {
    shop: &'a Shop,
    members: Vec<Member>,
}

struct Member {
    role: Role,
    card: Card,
    program: Program,
    started: Instant,
    /// Whether it was killed by us because it did not come by its failpoint.
    unreached: bool,
    /// Whether it was asked to end.
    asked: bool,
}

impl<'a> Crew<'a> {
    /// One of the shapes, each process with a card.
    pub fn start(shop: &'a Shop, roles: &[Role], decks: &mut Decks) -> Self {
        let members = roles.iter().map(|role| Member::start(shop, *role, decks.deal(*role))).collect();
        Self { shop, members }
    }

    /// The ports on which commands are taken.
    pub fn ports(&self) -> Vec<usize> {
        self.members.iter().filter_map(|member| member.role.port()).collect()
    }

    /// Looks after the processes once: what has ended is counted and started again. Says how many were killed.
    pub async fn look_after(&mut self, decks: &mut Decks, tally: &mut Tally) -> usize {
        let mut killed = 0;
        for member in &mut self.members {
            member.kill_if_due();
            if member.program.has_ended() {
                member.post_mortem(tally).await;
                *member = Member::start(self.shop, member.role, decks.deal(member.role));
                killed += 1;
            }
        }
        killed
    }

    /// Asks all to end, and waits until they have: in order, or killed on the way at a failpoint.
    pub async fn stop(mut self, tally: &mut Tally) {
        for member in &mut self.members {
            // What has ended before has done so by itself.
            member.asked = !member.program.has_ended();
            if member.asked {
                member.program.sigterm();
            }
        }
        for mut member in self.members {
            eventually("the process ends", BOUND, async || member.program.has_ended()).await;
            member.post_mortem(tally).await;
        }
    }
}

impl Member {
    /// Starts a process, which ends as the card says.
    fn start(shop: &Shop, role: Role, card: Card) -> Self {
        let mut launch = shop.launch(role);
        if let Card::Failpoint { name, nth } = &card {
            launch = launch.env(failpoints::VARIABLE, format!("{name}:{nth}"));
        }
        Self { role, card, program: launch.spawn(), started: Instant::now(), unreached: false, asked: false }
    }

    fn kill_if_due(&mut self) {
        let due = match &self.card {
            Card::Moment(moment) => self.started.elapsed() >= *moment,
            Card::Failpoint { .. } => self.started.elapsed() >= CARD_AT_MOST,
        };
        if due && !self.program.has_ended() {
            self.unreached = matches!(self.card, Card::Failpoint { .. });
            self.program.kill9();
        }
    }

    /// A process ends where its card says, or in order once it is asked to; in no other way.
    async fn post_mortem(&mut self, tally: &mut Tally) {
        let status = self.program.wait().await;
        let errors = self.program.stderr();
        panics::none_in(&errors, self.role.name());
        let card = &self.card;
        let at = match card {
            Card::Failpoint { name, .. } => errors.contains(&format!("killed at the failpoint {name}")),
            Card::Moment(_) => true,
        };
        match (status.signal(), status.code()) {
            (Some(SIGKILL), _) if self.unreached => tally.unreached(card.name(), self.role),
            (Some(SIGKILL), _) if at => tally.killed(card.name(), self.role, self.started.elapsed()),
            (_, Some(0)) if self.asked => tally.stopped_in_order += 1,
            // Asked to end in the moment that it was started, before it could hear.
            (Some(SIGTERM), _) if self.asked && errors.is_empty() => tally.stopped_in_order += 1,
            _ => panic!("{:?} ended with {status} instead of at {card:?}:\n{errors}", self.role),
        }
    }
}
