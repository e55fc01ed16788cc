//! The processes of a shop that end only when they are told to.

use super::panics;
use super::shop::{BOUND, Role, Shop};
use crate::walk::client::Client;
use http::Method;
use std::net::SocketAddr;
use testkit::{Program, eventually, free_port};

/// The processes that make up a shop.
pub struct Staff<'a> {
    shop: &'a Shop,
    members: Vec<Member>,
}

/// One of them.
pub struct Member {
    pub role: Role,
    pub program: Program,
    health: Client,
}

impl<'a> Staff<'a> {
    pub fn start(shop: &'a Shop, roles: &[Role]) -> Self {
        let mut staff = Self { shop, members: Vec::new() };
        roles.iter().for_each(|role| staff.hire(*role));
        staff
    }

    /// Starts one more.
    pub fn hire(&mut self, role: Role) {
        self.members.push(Member::start(self.shop, role));
    }

    /// Where commands are taken.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.members.iter().filter_map(|member| member.role.port()).map(|port| self.shop.address(port)).collect()
    }

    /// The first one of that role.
    pub fn member(&mut self, role: Role) -> &mut Member {
        self.members.iter_mut().find(|member| member.role == role).expect("the shop has one")
    }

    /// All of that role.
    pub fn members(&self, role: Role) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.role == role)
    }

    /// Takes the first one of that role out, to do with it what one likes.
    pub fn take(&mut self, role: Role) -> Member {
        let place = self.members.iter().position(|member| member.role == role).expect("the shop has one");
        self.members.remove(place)
    }

    /// Takes one back.
    pub fn put(&mut self, member: Member) {
        self.members.push(member);
    }

    /// Fails if one has ended or panicked.
    pub fn check(&mut self) {
        self.members.iter_mut().for_each(Member::check);
    }

    /// Waits until each says that it can do its work.
    pub async fn ready(&mut self) {
        for member in &mut self.members {
            member.ready().await;
        }
    }

    /// Ends those that take commands, in order: what they have in hand is done, and nothing is written any more.
    pub async fn close(&mut self) {
        let (mut closing, staying) = self.members.drain(..).partition(|member| member.role.port().is_some());
        self.members = staying;
        end(&mut closing).await;
    }

    /// Ends all, in order.
    pub async fn stop(mut self) {
        end(&mut self.members).await;
    }
}

async fn end(members: &mut Vec<Member>) {
    for member in members.iter() {
        member.program.sigterm();
    }
    for mut member in members.drain(..) {
        member.ends().await;
    }
}

impl Member {
    fn start(shop: &Shop, role: Role) -> Self {
        let (address, launch) = match role.port() {
            Some(port) => (shop.address(port), shop.launch(role)),
            None => {
                let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
                (address, shop.launch(role).args(["--listen", &address.to_string()]))
            }
        };
        Self { role, program: launch.spawn(), health: Client::new(&address.to_string(), "") }
    }

    /// Fails if it has ended or panicked.
    pub fn check(&mut self) {
        assert!(!self.program.has_ended(), "{:?} has ended:\n{}", self.role, self.program.output());
        self.is_sound();
    }

    fn is_sound(&self) {
        panics::none_in(&self.program.stderr(), self.role.name());
    }

    /// Waits until it has ended by itself, or because it was asked to: with success.
    pub async fn ends(&mut self) {
        eventually("the process ends", BOUND, async || self.program.has_ended()).await;
        let status = self.program.wait().await;
        assert!(status.success(), "{:?} ended with {status}:\n{}", self.role, self.program.stderr());
        self.is_sound();
    }

    /// Waits until it says that it can do its work.
    pub async fn ready(&mut self) {
        let what = format!("{:?} is ready", self.role);
        eventually(&what, BOUND, async || {
            self.check();
            match self.readiness().await? {
                (200, _) => Ok(()),
                (_, report) => Err(report),
            }
        })
        .await;
    }

    /// Waits until it says that it can't do its work; gives the reasons.
    pub async fn unready(&mut self) -> String {
        let what = format!("{:?} says what is wrong", self.role);
        eventually(&what, BOUND, async || {
            self.check();
            match self.readiness().await? {
                (503, report) => Ok(report),
                (_, report) => Err(report),
            }
        })
        .await
    }

    /// What it says of itself: the status and the report.
    async fn readiness(&self) -> Result<(u16, String), String> {
        let reply = self.health.try_send(Method::GET, "/readyz", &[], None).await?;
        Ok((reply.status.as_u16(), reply.body))
    }
}
