//! What is asked of the catalogue.

use super::Products;
use super::row::{COLUMNS, ProductRow, status_text};
use crate::read::{Plan, rows_of};
use crate::{Page, ReadError, Seen, Views};
use domain::product::Status;
use domain::{Sku, Slug};

/// The most words of a search that are looked for; those behind them are left out.
const MAX_WORDS: usize = 8;

/// The product of that sku, withdrawn or not.
pub async fn get(views: &Views, sku: &Sku) -> Result<Seen<Option<ProductRow>>, ReadError> {
    let seen = of_skus(views, std::slice::from_ref(sku)).await?;
    Ok(seen.map(|rows| rows.into_iter().next()))
}

/// Those of these products that exist, withdrawn or not, in the order of their skus.
pub async fn of_skus(views: &Views, skus: &[Sku]) -> Result<Seen<Vec<ProductRow>>, ReadError> {
    let skus: Vec<String> = skus.iter().map(|sku| sku.as_str().to_owned()).collect();
    let select = |schema: &str| format!("SELECT true AS present, {COLUMNS} FROM {schema}.products WHERE sku = ANY($1)");
    let seen = views.read::<Products>(Plan::Kept, select, "found.sku", |query| query.bind(skus.clone())).await?;
    let rows = rows_of::<Products, ProductRow>(&seen.value)?;
    Ok(seen.map(|_| rows))
}

/// The products behind `after` in the order of their skus (byte by byte), withdrawn ones too; at most `limit`.
///
/// Behind the last row's sku is the next page.
pub async fn list(views: &Views, after: Option<&Sku>, limit: u32) -> Result<Seen<Page<ProductRow, String>>, ReadError> {
    page(views, "sku > $1", after, limit, Vec::new()).await
}

/// Which products the shop shows: of those on sale, all that fit everything said here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf<'q> {
    /// Those that stand in this category.
    pub category: Option<&'q Slug>,
    /// Those whose name or description, in any language, holds each of these words, as a part too and in any case.
    pub search: Option<&'q str>,
    /// Those of the first page alone.
    pub featured: bool,
}

/// The products of a shelf behind `after` in the order of their skus; at most `limit`.
pub async fn shown(
    views: &Views,
    shelf: &Shelf<'_>,
    after: Option<&Sku>,
    limit: u32,
) -> Result<Seen<Page<ProductRow, String>>, ReadError> {
    let mut conditions = vec!["sku > $1 AND status = 'active'".to_owned()];
    let mut texts = Vec::new();
    if shelf.featured {
        conditions.push("featured".to_owned());
    }
    if let Some(category) = shelf.category {
        texts.push(category.as_str().to_owned());
        conditions.push(format!("categories @> ARRAY[${}]", texts.len() + 1));
    }
    for word in shelf.search.unwrap_or_default().to_lowercase().split_whitespace().take(MAX_WORDS) {
        texts.push(word.to_owned());
        conditions.push(format!("strpos(search_text, ${}) > 0", texts.len() + 1));
    }
    page(views, &conditions.join(" AND "), after, limit, texts).await
}

/// Which products staff look for: all that fit everything said here, withdrawn ones too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stock<'q> {
    /// Those of this status.
    pub status: Option<Status>,
    /// Those that stand in this category.
    pub category: Option<&'q Slug>,
    /// Those whose sku, name or description, in any language, holds each of these words, as a part too and in any case.
    pub search: Option<&'q str>,
    /// Those of the first page alone, or the others.
    pub featured: Option<bool>,
}

/// The products of the stock behind `after` in the order of their skus; at most `limit`.
pub async fn stock(
    views: &Views,
    stock: &Stock<'_>,
    after: Option<&Sku>,
    limit: u32,
) -> Result<Seen<Page<ProductRow, String>>, ReadError> {
    let mut conditions = vec!["sku > $1".to_owned()];
    let mut texts = Vec::new();
    if let Some(status) = stock.status {
        conditions.push(format!("status = '{}'", status_text(status)));
    }
    if let Some(featured) = stock.featured {
        conditions.push(if featured { "featured" } else { "NOT featured" }.to_owned());
    }
    if let Some(category) = stock.category {
        texts.push(category.as_str().to_owned());
        conditions.push(format!("categories @> ARRAY[${}]", texts.len() + 1));
    }
    for word in stock.search.unwrap_or_default().to_lowercase().split_whitespace().take(MAX_WORDS) {
        texts.push(word.to_owned());
        let word = texts.len() + 1;
        conditions.push(format!("(strpos(search_text, ${word}) > 0 OR strpos(lower(sku), ${word}) > 0)"));
    }
    page(views, &conditions.join(" AND "), after, limit, texts).await
}

/// A page of the products that fit `conditions`, in which `$1` is the last sku of the page before, and the others
/// `texts`.
async fn page(
    views: &Views,
    conditions: &str,
    after: Option<&Sku>,
    limit: u32,
    texts: Vec<String>,
) -> Result<Seen<Page<ProductRow, String>>, ReadError> {
    // Every sku is behind the empty text.
    let after = after.map_or("", Sku::as_str);
    let rows = limit.saturating_add(1);
    let select = |schema: &str| {
        format!("SELECT true AS present, {COLUMNS} FROM {schema}.products WHERE {conditions} ORDER BY sku LIMIT {rows}")
    };
    let seen = views
        .read::<Products>(Plan::Kept, select, "found.sku", |query| {
            texts.iter().cloned().fold(query.bind(after.to_owned()), |query, text| query.bind(text))
        })
        .await?;
    let rows = rows_of::<Products, ProductRow>(&seen.value)?;
    Ok(seen.map(|_| Page::cut(rows, limit, |last| last.sku.clone())))
}
