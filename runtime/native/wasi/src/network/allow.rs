//! Which addresses a function may reach. Everything is refused that no rule names; a rule for all addresses means public ones,
//! so that this machine, its neighbours and what they serve to it have to be named.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use crate::abi::types::Errno;
use crate::failure::Result;

/// A function's rules.
#[derive(Debug, Clone, Default)]
pub struct Allowed(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    place: Place,
    /// 0: all.
    port: u16,
}

#[derive(Debug, Clone)]
enum Place {
    Public,
    Network(IpAddr, u32),
    /// Public addresses that the name had when the call looked it up.
    Name(String),
}

/// A rule that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a rule of the form ADDRESS/PREFIX PORT, NAME PORT or * PORT")]
pub struct BadRule;

impl Allowed {
    /// Rules as `ADDRESS/PREFIX PORT`, `NAME PORT` or `* PORT`, with port 0 for all.
    pub fn parse<'a>(rules: impl Iterator<Item = &'a str>) -> std::result::Result<Self, BadRule> {
        rules.map(Rule::parse).collect::<std::result::Result<_, _>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn check(&self, to: SocketAddr, resolved: &[(String, IpAddr)]) -> Result<()> {
        if self.allows(to, resolved, is_own) { Ok(()) } else { Err(Errno::Acces.into()) }
    }

    /// Whether a rule is about the name, or about all that is public.
    pub fn names(&self, name: &str) -> bool {
        self.0.iter().any(|rule| match &rule.place {
            Place::Public => true,
            Place::Name(known) => known.eq_ignore_ascii_case(name),
            Place::Network(..) => false,
        })
    }

    fn allows(&self, to: SocketAddr, resolved: &[(String, IpAddr)], is_own: impl Fn(IpAddr) -> bool) -> bool {
        let address = canonical(to.ip());
        // Never one host: nobody, everybody, a group.
        if address.is_unspecified() || address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
            return false;
        }
        self.0.iter().any(|rule| {
            (rule.port == 0 || rule.port == to.port())
                && match &rule.place {
                    Place::Public => is_public(address) && !is_own(address),
                    Place::Network(network, prefix) => is_within(address, *network, *prefix),
                    // Whoever answers for the name must not open what has to be named as an address.
                    Place::Name(name) => {
                        let is_its =
                            |(known, its): &(String, IpAddr)| known.eq_ignore_ascii_case(name) && *its == address;
                        resolved.iter().any(is_its) && is_public(address) && !is_own(address)
                    }
                }
        })
    }
}

impl Rule {
    fn parse(text: &str) -> std::result::Result<Self, BadRule> {
        let (place, port) = text.split_once(' ').ok_or(BadRule)?;
        let port = port.parse().map_err(|_| BadRule)?;
        if place == "*" {
            return Ok(Self { place: Place::Public, port });
        }
        let Some((address, prefix)) = place.split_once('/') else {
            let is_name = place.bytes().any(|byte| byte.is_ascii_alphabetic())
                && place.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-');
            return if is_name { Ok(Self { place: Place::Name(place.into()), port }) } else { Err(BadRule) };
        };
        let address: IpAddr = address.parse().map_err(|_| BadRule)?;
        let prefix: u32 = prefix.parse().map_err(|_| BadRule)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        if prefix > bits { Err(BadRule) } else { Ok(Self { place: Place::Network(address, prefix), port }) }
    }
}

/// The address that is meant: IPv4 in whatever of its IPv6 disguises.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let parts = six.segments();
    let four = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match parts {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => four(high, low),
        [0x2002, high, low, ..] => four(high, low),
        // An IPv4-compatible address; but for the unspecified one and the loopback.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => four(high, low),
        _ => address,
    }
}

/// What belongs to nobody in particular: not this machine, its networks or its neighbours, and no special range.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            let [a, b, c, _] = four.octets();
            !(four.is_private()
                || four.is_loopback()
                || four.is_link_local()
                || four.is_multicast()
                || four.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19)))
        }
        // Global unicast, without its documentation range and what tunnels elsewhere.
        IpAddr::V6(six) => {
            let [a, b, ..] = six.segments();
            (a & 0xe000) == 0x2000 && !(a == 0x2001 && (b == 0xdb8 || b == 0)) && a != 0x2002
        }
    }
}

fn is_within(address: IpAddr, network: IpAddr, prefix: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            shares(u128::from(u32::from(one)) << 96, u128::from(u32::from(other)) << 96, prefix)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => shares(u128::from(one), u128::from(other), prefix),
        _ => false,
    }
}

fn shares(one: u128, other: u128, prefix: u32) -> bool {
    prefix == 0 || (one ^ other) >> (128 - prefix) == 0
}

/// Whether an address is this machine's: then a socket can be bound to it.
fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind(SocketAddr::new(address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn allows(rules: &[&str], address: &str, port: u16) -> bool {
        let own: Ipv6Addr = "2a00::7".parse().unwrap();
        let resolved = ["1.1.1.1", "127.0.0.1"].map(|address| ("one.example".to_owned(), address.parse().unwrap()));
        let to = SocketAddr::new(address.parse().unwrap(), port);
        Allowed::parse(rules.iter().copied()).unwrap().allows(to, &resolved, |address| address == IpAddr::V6(own))
    }

    #[test]
    fn all_addresses_means_public_ones() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2a00::7",
            "100::1",
            "5f00::1",
        ];
        for address in refused {
            assert!(!allows(&["* 0"], address, 443), "{address}");
        }
        for address in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "::ffff:1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(allows(&["* 443"], address, 443), "{address}");
            assert!(!allows(&["* 443"], address, 80), "{address}");
            assert!(!allows(&[], address, 443), "{address}");
        }
    }

    #[test]
    fn what_is_named_may_be_reached_in_every_disguise_and_nothing_else() {
        let rules = ["127.0.0.1/32 8080", "10.1.0.0/16 0", "fd00:1::/32 5432"];
        for (address, port) in
            [("127.0.0.1", 8080), ("::ffff:127.0.0.1", 8080), ("10.1.255.1", 1), ("fd00:1:2::3", 5432)]
        {
            assert!(allows(&rules, address, port), "{address}");
        }
        for (address, port) in
            [("127.0.0.1", 8081), ("127.0.0.2", 8080), ("10.2.0.1", 1), ("fd00:2::1", 5432), ("1.1.1.1", 8080)]
        {
            assert!(!allows(&rules, address, port), "{address}");
        }
        assert!(!allows(&["0.0.0.0/0 0", "::/0 0"], "0.0.0.0", 80), "nobody is never somebody");
        assert!(!allows(&["0.0.0.0/0 0"], "224.0.0.1", 80));
    }

    #[test]
    fn a_name_is_the_public_addresses_that_it_was_looked_up_as() {
        assert!(allows(&["ONE.example 80"], "1.1.1.1", 80));
        assert!(allows(&["one.example 80"], "::ffff:1.1.1.1", 80));
        assert!(!allows(&["one.example 80"], "1.1.1.1", 81));
        assert!(!allows(&["one.example 80"], "1.1.1.2", 80));
        assert!(!allows(&["one.example 0"], "127.0.0.1", 80), "an answer that turns inwards");
        assert!(!allows(&["two.example 80"], "1.1.1.1", 80));
    }

    #[test]
    fn a_rule_is_an_address_with_a_prefix_and_a_port() {
        for rule in ["", "* ", "* 65536", "1.2.3.4 80", "1.2.3.4/33 80", "x/8 80", "a_b 80", "::1/129 80"] {
            assert_eq!(Allowed::parse([rule].into_iter()).err(), Some(BadRule), "{rule}");
        }
    }
}
