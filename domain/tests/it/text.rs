//! Texts that people type.

use domain::text::{
    City, Country, Description, Email, MessageText, PaymentReference, PersonName, PostalCode, ProductName,
    StreetAddress, TextError,
};
use domain::{Quantity, Sku};
use email_address::EmailAddress;

#[test]
fn a_text_is_trimmed_and_composed() {
    assert_eq!(PersonName::parse("  Ada\u{a0}\u{3000}\n").unwrap().as_str(), "Ada");
    assert_eq!(PersonName::parse("Zoe\u{308}").unwrap().as_str(), "Zo\u{eb}");
    assert_eq!(PersonName::parse("Zoe\u{308}").unwrap(), PersonName::parse("Zo\u{eb}").unwrap());
    assert_eq!(PersonName::parse("\u{1112}\u{1161}\u{11ab}").unwrap().as_str(), "\u{d55c}");
}

#[test]
fn length_counts_scalars_after_composing() {
    // 50 letters, written as 100 scalars and 150 bytes.
    let decomposed = "e\u{301}".repeat(50);
    assert_eq!(PersonName::parse(&decomposed).unwrap().as_str(), "\u{e9}".repeat(50));
    let too_long = TextError::TooLong { length_chars: 51, max_chars: 50 };
    assert_eq!(PersonName::parse(&"e\u{301}".repeat(51)), Err(too_long));
    assert_eq!(PersonName::parse(&format!("  {}  ", "x".repeat(50))).unwrap().as_str().len(), 50);
    // A flag is two scalars.
    assert_eq!(PersonName::parse(&"🇬🇧".repeat(25)).unwrap().as_str().chars().count(), 50);
    assert!(PersonName::parse(&"🇬🇧".repeat(26)).is_err());
}

/// Every kind of text refuses one character more than its place allows, and nothing less.
#[test]
fn each_place_has_its_length() {
    type Parse = fn(&str) -> Result<(), TextError>;
    let places: [(usize, Parse); 8] = [
        (50, |text| PersonName::parse(text).map(drop)),
        (250, |text| StreetAddress::parse(text).map(drop)),
        (20, |text| PostalCode::parse(text).map(drop)),
        (100, |text| City::parse(text).map(drop)),
        (200, |text| ProductName::parse(text).map(drop)),
        (4_000, |text| Description::parse(text).map(drop)),
        (100, |text| PaymentReference::parse(text).map(drop)),
        (1_000, |text| MessageText::parse(text).map(drop)),
    ];
    for (max_chars, parse) in places {
        assert_eq!(parse(&"漢".repeat(max_chars)), Ok(()));
        let too_long = TextError::TooLong { length_chars: max_chars + 1, max_chars };
        assert_eq!(parse(&"漢".repeat(max_chars + 1)), Err(too_long));
        assert_eq!(parse(" \t\n"), Err(TextError::Empty));
        assert_eq!(parse("a\u{0}b"), Err(TextError::Control(0)));
    }
}

#[test]
fn control_characters_are_refused_by_name() {
    for control in ('\u{0}'..='\u{9f}').filter(|c| c.is_control()) {
        let error = PersonName::parse(&format!("A{control}a")).unwrap_err();
        assert_eq!(error.to_string(), format!("contains the control character U+{:04X}", u32::from(control)));
    }
    assert_eq!(Description::parse("Two\nlines").unwrap().as_str(), "Two\nlines");
    assert_eq!(Description::parse("Two\r\nlines"), Err(TextError::Control(0xd)));
}

#[test]
fn what_people_write_with_is_accepted() {
    for name in
        ["O’Connor", "Nguyễn", "محمد", "मोहन", "李小龍", "نیم\u{200c}فاصله", "👩\u{200d}🚀", "Ma\u{2011}Li", "x"]
    {
        assert_eq!(PersonName::parse(name).map(|name| name.as_str().to_owned()).as_deref(), Ok(name));
    }
}

#[test]
fn personal_texts_stay_out_of_debug_output() {
    let customer = crate::samples::ada();
    let shown = format!("{customer:?} {:?}", crate::samples::placed());
    for personal in ["Ada", "Lovelace", "ada@", "Square", "SW1Y", "London"] {
        assert!(!shown.contains(personal), "{personal} in {shown}");
    }
}

#[test]
fn an_email_address_is_one_by_grammar() {
    for address in [
        "ada@example.com",
        "ada.lovelace+tea@mail.example.co.uk",
        "o'hara@example.com",
        "!#$%&'*+-/=?^_`{|}~@example.com",
        "\"ada lovelace\"@example.com",
        "\"a@b\"@example.com",
        "ada@xn--bcher-kva.example",
        "ada@3com.example",
        "ada@a-b.example",
        "ада@пример.рф",
        "zoë@bücher.example",
        "用户@例子.广告",
    ] {
        assert_eq!(Email::parse(address).map(|email| email.as_str().to_owned()).as_deref(), Ok(address));
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for text in [
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@@example.com",
        "ada@example..com",
        "ada@.example.com",
        "ada@example.com.",
        "ada.@example.com",
        ".ada@example.com",
        "a..b@example.com",
        "ada lovelace@example.com",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        "ada@example.com, bob@example.com",
        "ada@example.com;bob@example.com",
        "ada@[192.0.2.1]",
        "ada@192.0.2.1",
        "ada@-example.com",
        "ada@example-.com",
        "ada@exa_mple.com",
        "ada@exa!mple.com",
        "ada@example.123",
        "ada@exam ple.com",
        "mailto:ada@example.com ",
        "ada@example.com?subject=x",
        "\"@example.com",
        "ada@exa\u{200b}mple.com",
        "ada\u{202e}@example.com",
        "ada\u{200b}@example.com",
        "ada@例子。广告",
    ] {
        assert_eq!(Email::parse(text), Err(TextError::NotAnEmail), "{text:?}");
    }
}

#[test]
fn no_line_can_be_slipped_into_a_mail() {
    for text in ["ada@example.com\r\nBcc: eve@example.com", "\"ada\r\n\"@example.com", "ada\u{0}@example.com"] {
        assert!(matches!(Email::parse(text), Err(TextError::Control(_))), "{text:?}");
    }
    assert_eq!(Email::parse("ada@example.com\r\n").unwrap().as_str(), "ada@example.com");
}

#[test]
fn an_address_is_no_longer_than_smtp_carries() {
    let label = "d".repeat(63);
    let domain = |last: usize| format!("{label}.{label}.{}.example", "d".repeat(last));
    let local = "l".repeat(64);
    let longest = format!("{local}@{}", domain(53));
    assert_eq!(longest.len(), 254);
    assert_eq!(Email::parse(&longest).unwrap().as_str(), longest);
    let too_long = TextError::TooLong { length_chars: 255, max_chars: 254 };
    assert_eq!(Email::parse(&format!("{local}@{}", domain(54))), Err(too_long));
    assert_eq!(Email::parse(&format!("l{local}@example.com")), Err(TextError::NotAnEmail));
    assert_eq!(Email::parse(&format!("ada@d{label}.example")), Err(TextError::NotAnEmail));
    // SMTP counts octets: these 131 characters are 256.
    let wide = "ü".repeat(31);
    let text = format!("{}@{wide}.{wide}.{wide}.de", "ü".repeat(32));
    assert_eq!((text.chars().count(), text.len()), (131, 256));
    assert_eq!(Email::parse(&text), Err(TextError::NotAnEmail));
}

/// lettre's `Address` asks these two questions of an address split at its last `@`.
#[test]
fn what_is_accepted_can_be_mailed_to() {
    for address in ["ada@example.com", "\"a@b\"@example.com", "用户@例子.广告", "zoë@bücher.example", "a@b.c"] {
        let email = Email::parse(address).unwrap();
        let (local, domain) = email.as_str().rsplit_once('@').unwrap();
        assert!(EmailAddress::is_valid_local_part(local) && EmailAddress::is_valid_domain(domain), "{address}");
    }
}

#[test]
fn addresses_are_searched_without_regard_to_case() {
    let key = |text: &str| Email::parse(text).unwrap().search_key();
    assert_eq!(key("Ada@Example.COM"), "ada@example.com");
    assert_eq!(key("ZOË@BÜCHER.example"), key("zoe\u{308}@bücher.example"));
    assert_eq!(Email::parse("Ada@Example.COM").unwrap().as_str(), "Ada@Example.COM", "the spelling is kept");
}

#[test]
fn a_country_is_two_letters() {
    assert_eq!(Country::parse(" gb ").unwrap().as_str(), "GB");
    for text in ["", "G", "GBR", "G1", "ÄB", "ß"] {
        assert_eq!(Country::parse(text), Err(TextError::NotACountry), "{text:?}");
    }
}

#[test]
fn a_sku_is_1_to_64_plain_characters() {
    for text in ["a", "TEA-GREEN_2.5", ".a", "...", &"x".repeat(64)] {
        assert_eq!(Sku::parse(text).unwrap().as_str(), text);
    }
    for text in ["", &"x".repeat(65), "TEA GREEN", " TEA", "TEA/GREEN", "TÉ", "tea\n", "tea%20", "茶", "tea\u{0}"] {
        assert!(Sku::parse(text).is_err(), "{text:?}");
    }
    for segment in [".", ".."] {
        assert!(Sku::parse(segment).is_err(), "{segment:?} can't stand in a URL");
    }
    assert_ne!(Sku::parse("tea").unwrap(), Sku::parse("TEA").unwrap());
}

#[test]
fn a_quantity_is_1_to_9999() {
    assert_eq!([1, 9_999].map(|number| Quantity::try_from(number).unwrap().get()), [1, 9_999]);
    for number in [0, 10_000, u32::MAX] {
        assert!(Quantity::try_from(number).is_err(), "{number}");
    }
    for json in ["0", "10000", "-1", "1.0", "1.5", "\"1\"", "null", "4294967297"] {
        assert!(serde_json::from_str::<Quantity>(json).is_err(), "{json}");
    }
}
