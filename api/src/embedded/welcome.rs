//! What is printed once the system takes orders: where everything is, and a request that works as it stands.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Where the parts of a running system are. Nothing secret but the demo's API key.
#[derive(Debug, Clone)]
pub struct Welcome {
    /// Where the shop and the API listen.
    pub address: SocketAddr,
    /// The database, as `psql` takes it.
    pub database: String,
    /// Kafka's addresses.
    pub brokers: String,
    /// The topic of all orders' events.
    pub topic: String,
    /// Whether that Kafka is in this process.
    pub embedded_broker: bool,
    /// Where mails go.
    pub mail: String,
    /// The data directory, and the API key in it; `None` without a private PostgreSQL.
    pub private: Option<(PathBuf, String)>,
    /// Where the administrator sets a password; `None` once that was done, and without a private PostgreSQL.
    pub first_owner: Option<String>,
    /// How long the start took.
    pub took: Duration,
}

impl Welcome {
    /// The text, with a line break at its end.
    pub fn text(&self) -> String {
        let base = base_url(self.address);
        let mut text = format!("\norders is ready after {:.1} s.\n\n", self.took.as_secs_f64());
        let mut line = |name: &str, value: &str| {
            // Writing to a string can't fail.
            let _ = writeln!(text, "  {name:<9} {value}");
        };
        line("Shop", &format!("{base}/"));
        line("Staff", &format!("{base}/admin/"));
        if let Some(link) = &self.first_owner {
            line("", &format!("set the administrator's password, once, by {link}"));
        }
        line("API", &base);
        line("Database", &format!("psql '{}'", self.database));
        line("Kafka", &format!("kcat -C -b {} -t {} -o beginning -f '%k %s\\n'", self.brokers, self.topic));
        if self.embedded_broker {
            line("", "(inside this process: it forgets when it ends, and goes on with what is not acted on yet)");
        }
        line("Mail", &self.mail);
        match &self.private {
            Some((directory, key)) => {
                line("Data", &directory.display().to_string());
                line("API key", &directory.join("dev-api-key").display().to_string());
                text.push_str(&first_order(&base, key));
            }
            None => text.push_str(
                "\nMake an API key, and let somebody behind the counter:\n\norders keys create --name NAME --scope orders:write\n\
                 orders staff invite EMAIL --role owner\n",
            ),
        }
        text.push_str("\nStop with Ctrl-C.\n");
        text
    }
}

fn first_order(base: &str, key: &str) -> String {
    format!(
        r#"
Place an order:

curl -sS {base}/v1/orders \
  -H 'Authorization: Bearer {key}' \
  -H 'Content-Type: application/json' \
  -d '{{"customer":{{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.com"}},
       "shipping_address":{{"address":"12 St James Square","postal_code":"SW1Y 4JH","city":"London","country":"GB"}},
       "items":[{{"sku":"TEA-GREEN","quantity":2}},{{"sku":"CUP","quantity":1}}]}}'
"#
    )
}

/// An address that a client on this machine can use, also when we listen on all interfaces.
pub(crate) fn base_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_one_to_connect_to() {
        assert_eq!(base_url("0.0.0.0:8080".parse().unwrap()), "http://127.0.0.1:8080");
        assert_eq!(base_url("[::]:8080".parse().unwrap()), "http://[::1]:8080");
        assert_eq!(base_url("192.0.2.1:80".parse().unwrap()), "http://192.0.2.1:80");
    }
}
