//! What stands in the query of an address.

use std::borrow::Cow;

/// A parameter's value; the first, where there are several of the name.
pub(super) fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<Cow<'q, str>> {
    let mut parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    parameters.find(|(parameter, _)| parameter == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_the_first_of_its_name() {
        let query = Some("key=a%20b&after=7&key=c&flag");
        let values = ["key", "after", "flag", "none"].map(|name| parameter(query, name));
        assert_eq!(values, [Some("a b".into()), Some("7".into()), Some("".into()), None]);
        assert_eq!(parameter(None, "key"), None);
    }
}
