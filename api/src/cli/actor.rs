//! Who acts by the command line, as it is written down.

/// The operating system's user and this machine: `cli:ada@shop-1`.
pub(super) fn who() -> String {
    let user = crate::embedded::account::own_name().unwrap_or_else(|_| "unknown".to_owned());
    format!("cli:{user}@{}", commands::instances::host())
}
