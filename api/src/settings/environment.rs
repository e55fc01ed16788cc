//! Variables of the environment that begin like ours and are none: a typing error must not start a shop with defaults.

use super::SettingsError;
use clap::Command;
use std::collections::BTreeSet;
use std::env;

/// What all of our variables begin with, but for those whose names are everybody's (`DATABASE_URL`).
const PREFIX: &str = "ORDERS_";

/// As alike as this, another name is suggested.
const ALIKE: f64 = 0.8;

/// Every variable that some command of `program` reads.
pub fn known(program: &Command) -> BTreeSet<String> {
    let own = program.get_arguments().filter_map(|argument| argument.get_env());
    let mut names: BTreeSet<String> = own.map(|name| name.to_string_lossy().into_owned()).collect();
    for command in program.get_subcommands() {
        names.extend(known(command));
    }
    names
}

/// Refuses the first variable of ours that no command knows.
pub fn check(program: &Command) -> Result<(), SettingsError> {
    let known = known(program);
    let variables = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    for (name, value) in variables {
        if name.starts_with(PREFIX) && !known.contains(&name) && !is_service_link(&name, &value.to_string_lossy()) {
            let hint = suggestion(&name, &known);
            return Err(SettingsError::UnknownVariable { name, hint });
        }
    }
    Ok(())
}

fn suggestion(name: &str, known: &BTreeSet<String>) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .max_by(|left, right| left.0.total_cmp(&right.0));
    match nearest {
        Some((likeness, candidate)) if likeness > ALIKE => format!(": did you mean {candidate}?"),
        _ => ": `orders --help` lists all".to_owned(),
    }
}

/// Kubernetes gives every container the addresses of all services, in variables that begin with the service's name. A
/// service named `orders` is to be expected.
fn is_service_link(name: &str, value: &str) -> bool {
    let is_address = value.starts_with("tcp://") || value.starts_with("udp://");
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || ((name.ends_with("_PORT") || name.ends_with("_TCP") || name.ends_with("_UDP")) && is_address)
        || ["_TCP_PROTO", "_TCP_PORT", "_TCP_ADDR", "_UDP_PROTO", "_UDP_PORT", "_UDP_ADDR"]
            .iter()
            .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near_and_nothing_else() {
        let known = BTreeSet::from(["ORDERS_LISTEN".to_owned(), "ORDERS_DATA_DIR".to_owned()]);
        assert_eq!(suggestion("ORDERS_LISTN", &known), ": did you mean ORDERS_LISTEN?");
        assert_eq!(suggestion("ORDERS_DATADIR", &known), ": did you mean ORDERS_DATA_DIR?");
    }

    #[test]
    fn the_service_links_of_kubernetes_are_not_ours() {
        for (name, value) in [
            ("ORDERS_SERVICE_HOST", "10.0.0.1"),
            ("ORDERS_API_SERVICE_PORT_HTTP", "8080"),
            ("ORDERS_PORT", "tcp://10.0.0.1:8080"),
            ("ORDERS_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("ORDERS_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ] {
            assert!(is_service_link(name, value), "{name}");
        }
        assert!(!is_service_link("ORDERS_PORT", "8080"));
        assert!(!is_service_link("ORDERS_LISTN", "127.0.0.1:80"));
    }
}
