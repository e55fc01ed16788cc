//! The program and its library, on real servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that can not go on says so by a panic"
)]

mod admin_accounts;
mod admin_browser;
mod admin_order;
mod admin_orders;
mod admin_routes;
mod admin_support;
mod browser;
mod cli_commands;
mod cli_refusals;
mod cli_settings;
mod cli_staff;
mod cli_verify;
mod edge;
mod embedded_fetch;
mod embedded_start;
mod embedded_support;
mod faults_kafka;
mod goods;
mod http_addresses;
mod http_away;
mod http_cart;
mod http_categories;
mod http_concurrency;
mod http_documents;
mod http_events;
mod http_faults;
mod http_idempotency;
mod http_member_keys;
mod http_newsletters;
mod http_orders;
mod http_products;
mod http_reads;
mod http_schedule;
mod http_schemas;
mod http_schemathesis;
mod http_server;
mod http_support;
mod kills_kafka;
mod overload;
mod overload_hostile;
mod overload_slow;
mod processes;
mod restore_kafka;
mod shop_browser;
mod shop_cart;
mod shop_checkout;
mod shop_checkout_browser;
mod shop_live;
mod shop_members;
mod shop_members_browser;
mod shop_newsletter_browser;
mod shop_pages;
mod shop_payments;
mod shop_payments_browser;
mod shop_payments_certificates;
mod shop_payments_faults;
mod shop_payments_pages;
mod shop_payments_process;
mod shop_payments_reversals;
mod shop_payments_support;
mod shop_payments_waiting;
mod shop_statements;
mod shop_town;
mod shop_under_load;
mod walk;
mod window;
