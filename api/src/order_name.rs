//! An order as people name it: by its id, or by the number that its customer was told.

use domain::ids::{OrderId, OrderNumber};
use projections::order_list::{Search, Whose, search};
use projections::{ReadError, Views};
use std::str::FromStr;

/// How an order is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderName {
    Id(OrderId),
    Number(OrderNumber),
}

/// Why a text names no order.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is neither the id nor the number of an order, such as 1001")]
pub(crate) struct NoOrderName;

impl FromStr for OrderName {
    type Err = NoOrderName;

    fn from_str(text: &str) -> Result<Self, NoOrderName> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let number = text.strip_prefix('#').unwrap_or(text).parse();
        number.map(|number| Self::Number(OrderNumber(number))).map_err(|_| NoOrderName)
    }
}

impl OrderName {
    /// Its id; `None` where the list knows no order of that number.
    pub(crate) async fn id(self, views: &Views) -> Result<Option<OrderId>, ReadError> {
        match self {
            Self::Id(id) => Ok(Some(id)),
            Self::Number(number) => {
                let found = search(views, Whose::All, &Search::Number(number), None, 1).await?;
                Ok(found.value.rows.into_iter().next().map(|row| row.id))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_named_by_its_id_or_its_number() {
        let id = "01960000-0000-7000-8000-000000000001";
        assert_eq!(id.parse(), Ok(OrderName::Id(id.parse().unwrap())));
        for number in ["1001", "#1001"] {
            assert_eq!(number.parse(), Ok(OrderName::Number(OrderNumber(1001))));
        }
        for text in ["", "#", "ada", "-7", "##7"] {
            assert_eq!(text.parse::<OrderName>(), Err(NoOrderName), "{text}");
        }
    }
}
