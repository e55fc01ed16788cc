//! Every sentence of the mails, by language. To add a language: its `Texts`, and a line in [`Texts::of`].

/// The sentences in one language.
pub(super) struct Texts {
    /// BCP 47.
    pub language: &'static str,
    /// `Order nr. {number}`
    pub subject: fn(number: &str) -> String,
    /// `Receipt for order nr. {number}`
    pub receipt_subject: fn(number: &str) -> String,
    /// `Dear {first_name}`
    pub salutation: fn(first_name: &str) -> String,
    pub confirmation: &'static str,
    pub receipt: &'static str,
    pub product: &'static str,
    pub quantity: &'static str,
    pub cost: &'static str,
    pub total: &'static str,
    pub paid: &'static str,
    pub ships_to: &'static str,
    pub answer: &'static str,
}

const ENGLISH: Texts = Texts {
    language: "en",
    subject: |number| format!("Order nr. {number}"),
    receipt_subject: |number| format!("Receipt for order nr. {number}"),
    salutation: |first_name| format!("Dear {first_name}"),
    confirmation: "Thank you for your order. We have received it, and this is what it holds:",
    receipt: "We have received your payment. Thank you! This is what you paid for:",
    product: "Product",
    quantity: "Quantity",
    cost: "Price",
    total: "Total",
    paid: "Paid",
    ships_to: "It goes to",
    answer: "If anything is not as it should be, just answer this mail.",
};

impl Texts {
    /// The texts for a language tag: English, for now, whatever it says.
    pub(super) fn of(_locale: Option<&str>) -> &'static Self {
        &ENGLISH
    }
}
