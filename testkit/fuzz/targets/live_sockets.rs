//! What a browser sends on an order's socket, and how far it says that it is.
#![no_main]

use api::shop::{Asked, Cursor};
use domain::text::MessageText;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(text) = fuzz::text(data) else { return };
    if let Ok(asked) = serde_json::from_str::<Asked>(text) {
        let written = serde_json::to_string(&asked).expect("what was read can be written");
        assert_eq!(serde_json::from_str::<Asked>(&written).expect("and reads again"), asked);
        let Asked::Message { text, .. } = asked;
        fuzz::settled(&text.replace("\r\n", "\n"), MessageText::parse, MessageText::as_str);
    }
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert!(cursor.message >= 0);
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
});
