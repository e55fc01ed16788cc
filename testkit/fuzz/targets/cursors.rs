//! Cursors: of whatever bytes, and those that a list gave out.
#![no_main]

use api::v1::requests::{CursorKey, List};
use chrono::Datelike;
use domain::Sku;
use libfuzzer_sys::fuzz_target;
use projections::order_list::ListKey;
use projections::order_totals::{DayKey, ProductKey};

/// The years that both RFC 3339 and the database know.
const YEARS: std::ops::RangeInclusive<i32> = 0..=9999;

/// Bytes where a list has its key, so that what is behind the digest is reached.
struct Raw(Vec<u8>);

impl CursorKey for Raw {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.to_vec()))
    }
}

fuzz_target!(|data: &[u8]| {
    let list = List::new("orders", "paid");
    let sealed = list.seal(&Raw(data.to_vec()));
    assert_eq!(list.open::<Raw>(&sealed).expect("a list reads its own").0, data);
    for cursor in [fuzz::text(data), Some(sealed.as_str())].into_iter().flatten() {
        check(&list, cursor, |_: &u64| true);
        check(&list, cursor, |_: &Sku| true);
        check(&list, cursor, |key: &ListKey| YEARS.contains(&key.recorded_at.year()));
        check(&list, cursor, |key: &DayKey| YEARS.contains(&key.day.year()) && !key.currency.contains('\0'));
        check(&list, cursor, |key: &ProductKey| !key.sku.contains('\0') && !key.currency.contains('\0'));
    }
});

/// A key that is read is of that cursor alone, of that list alone, and one that the database takes.
fn check<K: CursorKey>(list: &List, cursor: &str, is_storable: impl Fn(&K) -> bool) {
    if let Some(key) = list.open::<K>(cursor) {
        assert!(is_storable(&key));
        assert_eq!(list.seal(&key), cursor);
        assert!(List::new("orders", "unpaid").open::<K>(cursor).is_none());
    }
}
