//! The form of a product: all that is said of it, but for its picture.

use super::super::fields::{TRANSLATED, lines, optional};
use crate::admin::form::Form;
use crate::admin::texts::{text, text_with};
use crate::shop::Posted;
use domain::money::{Money, MoneyError};
use domain::product::{Changes, Command, Listed, Presentation, Rejection, Words};
use domain::text::{Description, ProductName};
use domain::{Language, Sku, Slug};
use projections::categories::CategoryRow;
use std::collections::BTreeMap;

/// The characters of a currency's code.
const CODE_CHARS: usize = 3;
/// As many as the largest price has, and then some.
const AMOUNT_CHARS: usize = 20;

/// A form, and the categories that are ticked.
#[derive(Debug, Clone)]
pub(super) struct ProductForm {
    pub(super) form: Form,
    ticked: Vec<String>,
    pub(super) categories_error: Option<String>,
}

/// A category that may be ticked.
pub(super) struct CategoryChoice {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) ticked: bool,
}

impl ProductForm {
    /// Of a product that is to be added, in the currency that the shop has.
    pub(super) fn new(currency: &str) -> Self {
        let sku = Form::new().text("sku", text("product-sku"), Sku::MAX_CHARS).hint(text("product-sku-hint"));
        let mut form = Self::fields(sku);
        set(&mut form, "currency", currency);
        set(&mut form, "requires_shipping", "yes");
        Self { form, ticked: Vec::new(), categories_error: None }
    }

    /// Of a product as it is.
    pub(super) fn of(listed: &Listed) -> Self {
        let mut form = Self::fields(Form::new());
        for (name, value) in values(listed) {
            set(&mut form, name, &value);
        }
        Self { form, ticked: listed.categories.iter().map(Slug::to_string).collect(), categories_error: None }
    }

    fn fields(form: Form) -> Form {
        let form = form
            .text("name", text("product-name"), ProductName::MAX_CHARS)
            .textarea("description", text("product-description"), Description::MAX_CHARS)
            .optional()
            .number("price", text("product-price"), AMOUNT_CHARS)
            .text("currency", text("product-currency"), CODE_CHARS)
            .checkbox("featured", text("product-featured"))
            .checkbox("requires_shipping", text("product-requires-shipping"));
        TRANSLATED.iter().fold(form, |form, translated| {
            let named = |id: &str| text_with(id, &[("language", translated.lang.own_name().into())]);
            form.text(translated.title, named("product-name-in"), ProductName::MAX_CHARS)
                .optional()
                .textarea(translated.text, named("product-description-in"), Description::MAX_CHARS)
                .optional()
        })
    }

    /// Takes what was typed.
    pub(super) fn fill(&mut self, posted: &Posted) {
        self.form.fill(posted);
        self.ticked = posted.all("category").map(str::to_owned).collect();
    }

    /// The categories that there are, and those that are ticked besides.
    pub(super) fn choices(&self, categories: &[CategoryRow]) -> Vec<CategoryChoice> {
        let is_ticked = |slug: &str| self.ticked.iter().any(|ticked| ticked == slug);
        let shown = categories.iter().filter(|row| !row.removed || is_ticked(&row.slug));
        shown
            .map(|row| CategoryChoice { slug: row.slug.clone(), name: row.name.clone(), ticked: is_ticked(&row.slug) })
            .collect()
    }

    /// The product that is to be added; `None` where something is wrong, which the form says then.
    pub(super) fn added(&mut self) -> Option<(Sku, Command)> {
        let sku = self.form.read("sku", |typed| Sku::parse(typed.trim()));
        let said = self.said();
        let (sku, Said { name, description, price, presentation }) = (sku?, said?);
        Some((sku.clone(), Command::Add { sku, name, description, price, presentation }))
    }

    /// What is to be changed: all that the form says, of which what is the same changes nothing.
    pub(super) fn changes(&mut self) -> Option<Changes> {
        let Said { name, description, price, presentation } = self.said()?;
        Some(Changes { name: Some(name), description: Some(description), price: Some(price), presentation })
    }

    fn said(&mut self) -> Option<Said> {
        let name = self.form.read("name", ProductName::parse);
        let description = optional(&mut self.form, "description", |typed| Description::parse(&lines(typed)));
        let price = self.price();
        let categories = self.categories();
        let translations = self.translations();
        let presentation = Presentation {
            categories: Some(categories?),
            featured: Some(self.form.is_set("featured")),
            requires_shipping: Some(self.form.is_set("requires_shipping")),
            picture: None,
            translations: translations?,
        };
        Some(Said { name: name?, description: description?, price: price?, presentation })
    }

    fn price(&mut self) -> Option<Money> {
        let currency = self.form.value("currency").trim().to_uppercase();
        match Money::parse(self.form.value("price").trim(), &currency) {
            Ok(price) => Some(price),
            Err(error) => {
                let field = if matches!(error, MoneyError::UnknownCurrency(_)) { "currency" } else { "price" };
                self.form.wrong(field, error.to_string());
                None
            }
        }
    }

    fn categories(&mut self) -> Option<Vec<Slug>> {
        let slugs: Result<Vec<Slug>, _> = self.ticked.iter().map(|slug| Slug::parse(slug)).collect();
        slugs.map_err(|error| self.categories_error = Some(error.to_string())).ok()
    }

    /// Words in the languages that the form has; those in others stay as they are.
    fn translations(&mut self) -> Option<BTreeMap<Language, Option<Words>>> {
        let mut translations = BTreeMap::new();
        let mut complete = true;
        for translated in TRANSLATED {
            let description = optional(&mut self.form, translated.text, |typed| Description::parse(&lines(typed)));
            // A description alone would stand under a name in another language.
            let is_bare = matches!(description, Some(None)) && self.form.value(translated.title).trim().is_empty();
            let words = if is_bare {
                Some(None)
            } else {
                let name = self.form.read(translated.title, ProductName::parse);
                name.zip(description).map(|(name, description)| Some(Words { name, description }))
            };
            match (words, translated.language()) {
                (Some(words), Some(language)) => drop(translations.insert(language, words)),
                _ => complete = false,
            }
        }
        complete.then_some(translations)
    }

    /// Says where it belongs why a command was refused.
    pub(super) fn refuse(&mut self, rejection: &Rejection) {
        let words = rejection.to_string();
        match rejection {
            Rejection::AlreadyExists | Rejection::NotFound => self.form.wrong("sku", words),
            Rejection::PriceTooHigh => self.form.wrong("price", words),
            Rejection::TooManyCategories => self.categories_error = Some(words),
            Rejection::TooManyTranslations => self.form.wrong(TRANSLATED[0].title, words),
        }
    }

    /// Says below each field that differs from what is stored by now what that is.
    pub(super) fn compare(&mut self, listed: &Listed) {
        for (name, stored) in values(listed) {
            let field = self.form.fields.iter_mut().find(|field| field.name == name);
            let Some(field) = field.filter(|field| lines(field.value.trim()) != stored) else { continue };
            let now = match (field.kind, stored.is_empty()) {
                ("checkbox", is_off) => text(if is_off { "goods-now-no" } else { "goods-now-yes" }),
                (_, true) => text("goods-now-empty"),
                (_, false) => text_with("goods-now", &[("stored", stored.into())]),
            };
            field.hint = Some(now);
        }
        let stored: Vec<String> = listed.categories.iter().map(Slug::to_string).collect();
        if stored != self.ticked {
            let stored = if stored.is_empty() { text("goods-none") } else { stored.join(", ") };
            self.categories_error = Some(text_with("goods-now", &[("stored", stored.into())]));
        }
    }
}

/// What a form says.
struct Said {
    name: ProductName,
    description: Option<Description>,
    price: Money,
    presentation: Presentation,
}

/// What stands in the fields for a product.
fn values(listed: &Listed) -> Vec<(&'static str, String)> {
    let flag = |set: bool| if set { "yes".to_owned() } else { String::new() };
    let said = |text: Option<&Description>| text.map(|text| text.as_str().to_owned()).unwrap_or_default();
    let mut values = vec![
        ("name", listed.name.as_str().to_owned()),
        ("description", said(listed.description.as_ref())),
        ("price", listed.price.amount().to_string()),
        ("currency", listed.price.currency().code().to_owned()),
        ("featured", flag(listed.featured)),
        ("requires_shipping", flag(listed.requires_shipping)),
    ];
    for translated in TRANSLATED {
        let words = translated.language().and_then(|language| listed.translations.get(&language));
        values.push((translated.title, words.map(|words| words.name.as_str().to_owned()).unwrap_or_default()));
        values.push((translated.text, said(words.and_then(|words| words.description.as_ref()))));
    }
    values
}

fn set(form: &mut Form, name: &str, value: &str) {
    if let Some(field) = form.fields.iter_mut().find(|field| field.name == name) {
        value.clone_into(&mut field.value);
    }
}
