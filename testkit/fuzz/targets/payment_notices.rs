//! What comes by webhook: of PayPal, signed or not, and of the sandbox.
#![no_main]

use api::payments::paypal::{Patience, PayPal, PayPalSettings};
use api::payments::provider::{Capture, NoticeError, Provider, TakenBack, Told};
use api::payments::sandbox::Sandbox;
use api::settings::Secret;
use axum::body::Bytes;
use commands::Clock;
use domain::text::PaymentReference;
use libfuzzer_sys::fuzz_target;
use sqlx::postgres::PgPoolOptions;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::runtime::Runtime;

const HEADERS: [&str; 5] = [
    "paypal-auth-algo",
    "paypal-cert-url",
    "paypal-transmission-id",
    "paypal-transmission-sig",
    "paypal-transmission-time",
];
/// The longest text that says why a notice is not taken.
const MAX_WHY_BYTES: usize = 300;

struct Shop {
    runtime: Runtime,
    paypal: PayPal,
    sandbox: Sandbox,
}

fuzz_target!(|data: &[u8]| {
    let shop = shop();
    // Five lines of headers, and the body behind them.
    let lines = data.splitn(HEADERS.len() + 1, |byte| *byte == b'\n').collect::<Vec<_>>();
    let body = Bytes::copy_from_slice(lines.get(HEADERS.len()).copied().unwrap_or(data));
    let head = lines[..lines.len().min(HEADERS.len())].join(&b'\n');
    let headers = fuzz::headers(&head, &HEADERS);
    let verified = shop.runtime.block_on(shop.paypal.verify(&headers, &body));
    why(verified.expect_err("nobody signs by guessing"), &body);
    for read in [shop.paypal.read(&body), shop.sandbox.read(&body)] {
        match read {
            Ok(told) => check(told),
            Err(error) => why(error, &body),
        }
    }
});

fn shop() -> &'static Shop {
    static SHOP: OnceLock<Shop> = OnceLock::new();
    SHOP.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let inside = runtime.enter();
        let pool = PgPoolOptions::new().connect_lazy("postgres://nobody@127.0.0.1:1/none").expect("an address");
        let settings = PayPalSettings {
            // Nobody is there: a certificate is asked for, and not had.
            base_url: "http://127.0.0.1:1".parse().expect("an address"),
            client_id: "fuzz".to_owned(),
            client_secret: Secret::from("fuzz"),
            webhook_id: "1JE4291016473214C".to_owned(),
            authority: None,
            patience: Patience { answer: Duration::from_secs(1), tries: 1, pause: Duration::from_millis(1) },
            clock: Clock::system(),
        };
        let paypal = PayPal::new(settings).expect("PayPal can be used");
        drop(inside);
        Shop { runtime, paypal, sandbox: Sandbox::new(pool) }
    })
}

/// A refusal is short, for one line of a log, and repeats nothing that was sent.
fn why(error: NoticeError, body: &[u8]) {
    let text = error.to_string();
    assert!(text.len() <= MAX_WHY_BYTES && !text.contains(char::is_control), "{text:?}");
    let sent = |word: &&str| word.len() >= 32 && body.windows(word.len()).any(|part| part == word.as_bytes());
    assert!(!text.split(' ').any(|word| sent(&word)), "{text:?} repeats what was sent");
}

/// What is told is of a size that can be kept.
fn check(told: Told) {
    let money = |Capture { id, amount }: &Capture| {
        let _ = PaymentReference::parse(&format!("paypal:{id}"));
        assert!(!amount.amount().is_sign_negative() || amount.is_zero(), "{amount}");
    };
    match &told {
        Told::Captured { capture, .. } => money(capture),
        Told::TakenBack(TakenBack { taken, .. }) => money(taken),
        Told::Declined { reason, capture, .. } => {
            assert!(reason.len() <= 100, "{reason}");
            if let Some(TakenBack { taken, .. }) = capture {
                money(taken);
            }
        }
        Told::Pending { reason, .. } => assert!(reason.len() <= 100, "{reason}"),
        Told::Approved { .. } | Told::Other => {}
    }
}
