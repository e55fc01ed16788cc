//! Where a request comes from, as far as that decides how often it may come.

use crate::app::App;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Once};

/// What proxies append the address of their peer to.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The bits of an IPv6 address that tell one customer of a network from another (RFC 6177): the rest is theirs to
/// choose.
const IPV6_PREFIX: u32 = 64;

/// The address at the other end of a connection, a client's or a proxy's. The server puts it on every request.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Whom a request is counted to: an IPv4 address, or the /64 that an IPv6 address is of. It is personal data, so that
/// it can be compared, and shown nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source(…)")
    }
}

impl FromRequestParts<Arc<App>> for Source {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self::of_parts(parts, &app.settings().trusted_proxies))
    }
}

impl Source {
    /// That of a request, behind these proxies.
    pub(crate) fn of_parts(parts: &Parts, trusted: &[IpNet]) -> Self {
        // What no server of ours took in has no peer, and counts as one.
        let peer = parts.extensions.get().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(peer)| *peer);
        Self(network(client(peer.to_canonical(), &parts.headers, trusted)))
    }
}

/// The last address on the way here that is not one of our proxies. Everybody may write a header: only what a trusted
/// proxy put at its end is believed, and what stands before that as long as it names a trusted proxy too.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        if is_of_our_network(&peer) && headers.contains_key(X_FORWARDED_FOR) {
            tell_of_an_unknown_proxy();
        }
        return peer;
    }
    let lists = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let mut before = lists.flat_map(|list| list.as_bytes().rsplit(|byte| *byte == b','));
    let mut client = peer;
    while is_trusted(&client) {
        let Some(address) = before.next().and_then(address) else { break };
        client = address;
    }
    client
}

/// An address as proxies write it, some of them with a port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = || text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text).parse().ok();
    let address = text.parse().ok().map(|address: SocketAddr| address.ip()).or_else(bare)?;
    Some(address.to_canonical())
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (u128::BITS - IPV6_PREFIX))))
        }
    }
}

fn is_of_our_network(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

fn tell_of_an_unknown_proxy() {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::warn!(
            "requests come through a proxy that is not trusted, so all its visitors are counted as one: name its \
             network by --trusted-proxies"
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// Whom a request from `peer` with these headers is counted to, where these networks are trusted.
    fn counted(peer: &str, headers: &[&'static [u8]], trusted: &[&str]) -> String {
        let header = |value: &&'static [u8]| (X_FORWARDED_FOR, HeaderValue::from_bytes(value).unwrap());
        let mut request = http::Request::new(());
        for (name, value) in headers.iter().map(header) {
            request.headers_mut().append(name, value);
        }
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        Source::of_parts(&request.into_parts().0, &trusted).0.to_string()
    }

    #[test]
    fn without_trust_nothing_but_the_connection_is_believed() {
        assert_eq!(counted("203.0.113.7", &[b"198.51.100.1"], &[]), "203.0.113.7");
        assert_eq!(counted("127.0.0.1", &[b"198.51.100.1"], &["10.0.0.0/8"]), "127.0.0.1");
        assert_eq!(counted("::ffff:203.0.113.7", &[], &[]), "203.0.113.7");
    }

    #[test]
    fn behind_a_trusted_proxy_it_is_the_last_address_that_is_none() {
        let proxies = &["10.0.0.0/8", "fd00::/8"];
        for (headers, expected) in [
            (&[b"198.51.100.1".as_slice()][..], "198.51.100.1"),
            // What the client wrote itself stands before.
            (&[b"192.0.2.1, 198.51.100.1"], "198.51.100.1"),
            (&[b"192.0.2.1", b"198.51.100.1"], "198.51.100.1"),
            // From one proxy to the next.
            (&[b"192.0.2.1, 198.51.100.1, 10.0.0.9"], "198.51.100.1"),
            (&[b"198.51.100.1", b"fd00::9,10.0.0.9"], "198.51.100.1"),
            (&[b" 198.51.100.1:4711 "], "198.51.100.1"),
            (&[b"[2001:db8:1:2:3::4]:4711"], "2001:db8:1:2::"),
            (&[b"[2001:db8:1:2:3::4]"], "2001:db8:1:2::"),
            (&[b"::ffff:198.51.100.1"], "198.51.100.1"),
            // Nothing is left of it: the proxy that is known last.
            (&[], "10.0.0.1"),
            (&[b"10.0.0.9"], "10.0.0.9"),
            (&[b"192.0.2.1, unknown"], "10.0.0.1"),
            (&[b"192.0.2.1", b""], "10.0.0.1"),
            (&[b"192.0.2.1, \xff"], "10.0.0.1"),
            (&[b"192.0.2.1", b"\xff, 198.51.100.1"], "198.51.100.1"),
        ] {
            assert_eq!(counted("10.0.0.1", headers, proxies), expected, "{headers:?}");
        }
    }

    #[test]
    fn who_has_a_network_of_ipv6_is_one() {
        assert_eq!(counted("2001:db8:1:2::3", &[], &[]), counted("2001:db8:1:2:ffff::", &[], &[]));
        assert_ne!(counted("2001:db8:1:2::3", &[], &[]), counted("2001:db8:1:3::3", &[], &[]));
    }

    #[test]
    fn an_address_is_shown_nowhere() {
        assert_eq!(format!("{:?}", Source(IpAddr::V4(Ipv4Addr::LOCALHOST))), "Source(…)");
    }
}
