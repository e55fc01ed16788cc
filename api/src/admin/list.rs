//! Tables: the query that says what is in them, filters beside them, and pages below.

use super::texts::{text, text_with};

/// The most parameters that are read of a query; ours have fewer.
const MAX_PARAMETERS: usize = 50;
/// Behind which row the page begins. It is of one list: another filter makes another list.
const AFTER: &str = "after";

/// Back to the list at `path` as it was filtered: a form says how, and is not believed but in that.
pub(crate) fn back<'p>(path: &'p str, typed: Option<&'p str>) -> &'p str {
    let is_list = |typed: &&str| {
        let rest = typed.strip_prefix(path);
        rest.is_some_and(|rest| {
            (rest.is_empty() || rest.starts_with('?')) && rest.bytes().all(|b| b.is_ascii_graphic())
        })
    };
    typed.filter(is_list).unwrap_or(path)
}

/// What a list was asked for by; kept from page to page. Of a parameter that stands twice the first counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// The query of a path. What is empty was not asked for.
    pub(crate) fn parse(raw: Option<&str>) -> Self {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).take(MAX_PARAMETERS) {
            if !value.is_empty() && parameters.iter().all(|(known, _)| *known != name) {
                parameters.push((name.into_owned(), value.into_owned()));
            }
        }
        Self(parameters)
    }

    /// A parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Behind which row the page begins.
    pub(crate) fn after(&self) -> Option<&str> {
        self.get(AFTER)
    }

    /// The same list with this parameter, from its beginning: `?name=value&…`.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        self.changed(&[name], Some((name, value)))
    }

    /// The same list without this parameter, from its beginning.
    pub(crate) fn without(&self, name: &str) -> String {
        self.changed(&[name], None)
    }

    /// The same list from its beginning; as it stands behind a path, and empty where all is listed.
    pub(crate) fn without_cursor(&self) -> String {
        self.changed(&[], None)
    }

    fn changed(&self, left_out: &[&str], set: Option<(&str, &str)>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.0 {
            if name != AFTER && !left_out.contains(&name.as_str()) {
                query.append_pair(name, value);
            }
        }
        if let Some((name, value)) = set {
            query.append_pair(name, value);
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }

    /// The parameters but these, as hidden fields of a form.
    fn others(&self, left_out: &[&str]) -> Vec<(String, String)> {
        let others = self.0.iter().filter(|(name, _)| name != AFTER && !left_out.contains(&name.as_str()));
        others.cloned().collect()
    }
}

/// What stands beside a list, and says what is in it.
#[derive(Debug, Clone)]
pub(crate) struct Filters {
    /// The path of the list.
    pub(crate) action: &'static str,
    pub(crate) search: Option<Search>,
    pub(crate) typed: Option<Typed>,
    pub(crate) groups: Vec<FilterGroup>,
    /// Where all is listed; none where it is.
    pub(crate) clear: Option<String>,
    query: Query,
}

/// What is looked for, as `q`.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) hidden: Vec<(String, String)>,
}

/// Texts, each a parameter of its own, that are typed into one form.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) fields: Vec<TypedField>,
    pub(crate) max_chars: usize,
    pub(crate) hidden: Vec<(String, String)>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct TypedField {
    pub(crate) name: &'static str,
    pub(crate) label: String,
    pub(crate) value: String,
}

/// One filter.
#[derive(Debug, Clone)]
pub(crate) struct FilterGroup {
    pub(crate) title: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) range: Option<DayRange>,
}

/// One of its choices.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) label: String,
    pub(crate) url: String,
    pub(crate) current: bool,
}

/// From one day to another, as two parameters.
#[derive(Debug, Clone)]
pub(crate) struct DayRange {
    pub(crate) from: (String, String),
    pub(crate) to: (String, String),
    pub(crate) hidden: Vec<(String, String)>,
}

impl Filters {
    /// Of the list at a path.
    pub(crate) fn new(action: &'static str, query: &Query) -> Self {
        let clear = (!query.without_cursor().is_empty()).then(|| action.to_owned());
        Self { action, search: None, typed: None, groups: Vec::new(), clear, query: query.clone() }
    }

    /// With a search.
    #[must_use]
    pub(crate) fn search(mut self, label: String) -> Self {
        let value = self.query.get("q").unwrap_or_default().to_owned();
        self.search = Some(Search { label, value, hidden: self.query.others(&["q"]) });
        self
    }

    /// With texts that are typed, each with its label, of at most so many characters. Not beside a search.
    #[must_use]
    pub(crate) fn typed(mut self, fields: &[(&'static str, String)], max_chars: usize) -> Self {
        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        let value = |name| self.query.get(name).unwrap_or_default().to_owned();
        let field =
            |(name, label): &(&'static str, String)| TypedField { name, label: label.clone(), value: value(name) };
        let fields = fields.iter().map(field).collect();
        self.typed = Some(Typed { fields, max_chars, hidden: self.query.others(&names) });
        self
    }

    /// With a filter of these values, each with its label; the first choice is all.
    #[must_use]
    pub(crate) fn choices(mut self, title: String, name: &str, values: &[(&str, String)]) -> Self {
        let current = self.query.get(name);
        let any = Choice {
            label: text("staff-any"),
            url: format!("{}{}", self.action, self.query.without(name)),
            current: current.is_none(),
        };
        let choice = |(value, label): &(&str, String)| Choice {
            label: label.clone(),
            url: format!("{}{}", self.action, self.query.with(name, value)),
            current: current == Some(*value),
        };
        let choices = std::iter::once(any).chain(values.iter().map(choice)).collect();
        self.groups.push(FilterGroup { title, choices, range: None });
        self
    }

    /// With a filter by day: a period of a few names as `name`, or a range as `name_from` and `name_to`.
    #[must_use]
    pub(crate) fn days(self, title: String, name: &str) -> Self {
        let (from, to) = (format!("{name}_from"), format!("{name}_to"));
        let periods = Period::ALL.map(|period| (period.as_str(), text(period.text())));
        // A period and a range are not asked for at once.
        let query = Query(self.query.others(&[&from, &to]));
        let mut filters = Self { query, ..self.clone() }.choices(title, name, &periods);
        let value = |name: &str| self.query.get(name).unwrap_or_default().to_owned();
        let range = DayRange {
            hidden: self.query.others(&[name, &from, &to]),
            from: (from.clone(), value(&from)),
            to: (to.clone(), value(&to)),
        };
        if let Some(group) = filters.groups.last_mut() {
            if self.query.get(&from).or(self.query.get(&to)).is_some() {
                group.choices.iter_mut().for_each(|choice| choice.current = false);
            }
            group.range = Some(range);
        }
        Self { query: self.query, ..filters }
    }
}

/// Days until today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Period {
    Today,
    Week,
    Month,
    Year,
}

impl Period {
    const ALL: [Self; 4] = [Self::Today, Self::Week, Self::Month, Self::Year];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Week => "7d",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.as_str() == text)
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Today => "staff-today",
            Self::Week => "staff-past-week",
            Self::Month => "staff-this-month",
            Self::Year => "staff-this-year",
        }
    }
}

/// What stands below a list.
#[derive(Debug, Clone)]
pub(crate) struct Pager {
    /// How many there are, or which of them are shown.
    pub(crate) count: String,
    /// The first page; none where this is it.
    pub(crate) first: Option<String>,
    /// The next page, if there is one.
    pub(crate) next: Option<String>,
}

impl Pager {
    /// Of a list at a path, whose next page begins behind `next`.
    pub(crate) fn new(action: &str, query: &Query, count: String, next: Option<&str>) -> Self {
        let first = query.after().is_some().then(|| format!("{action}{}", query.without_cursor()));
        let next = next.map(|after| format!("{action}{}", query.with(AFTER, after)));
        Self { count, first, next }
    }
}

/// So many, counted up to `most`: beyond, that there are more.
pub(crate) fn counted(found: u64, most: u64) -> String {
    let id = if found > most { "staff-count-more" } else { "staff-count" };
    text_with(id, &[("count", grouped(found.min(most)).into())])
}

/// A number with a comma between each three of its digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let begins_group = |index: usize| index > 0 && (digits.len() - index).is_multiple_of(3);
    let grouped = digits.char_indices().map(
        |(index, digit)| {
            if begins_group(index) { format!(",{digit}") } else { digit.to_string() }
        },
    );
    grouped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_the_list() {
        let own = "/admin/products/?q=a&status=active";
        assert_eq!(back("/admin/products/", Some(own)), own);
        let others = [
            "https://evil.test/",
            "/admin/products/TEA/",
            "//evil.test",
            "/admin/products/?q=\u{1}",
            "/admin/products/?q=ü",
        ];
        for other in others.map(Some).into_iter().chain([None]) {
            assert_eq!(back("/admin/products/", other), "/admin/products/", "{other:?}");
        }
    }

    #[test]
    fn a_filter_begins_the_list_anew_and_keeps_the_others() {
        let query = Query::parse(Some("q=a+b&paid=yes&after=x&paid=no&empty="));
        assert_eq!((query.get("paid"), query.after(), query.get("empty")), (Some("yes"), Some("x"), None));
        assert_eq!(query.with("paid", "no"), "?q=a+b&paid=no");
        assert_eq!(query.without("paid"), "?q=a+b");
        assert_eq!(Query::parse(Some("after=x")).without_cursor(), "");
        let pager = Pager::new("/l/", &query, String::new(), Some("y"));
        assert_eq!(pager.first.as_deref(), Some("/l/?q=a+b&paid=yes"));
        assert_eq!(pager.next.as_deref(), Some("/l/?q=a+b&paid=yes&after=y"));
    }

    #[test]
    fn a_period_and_a_range_exclude_each_other() {
        let query = Query::parse(Some("created_from=2026-01-02&paid=yes"));
        let filters = Filters::new("/l/", &query).days("Created".to_owned(), "created");
        let group = &filters.groups[0];
        assert!(group.choices.iter().all(|choice| !choice.current));
        assert_eq!(group.choices[1].url, "/l/?paid=yes&created=today");
        let range = group.range.as_ref().unwrap();
        assert_eq!(range.from, ("created_from".to_owned(), "2026-01-02".to_owned()));
        assert_eq!(range.hidden, [("paid".to_owned(), "yes".to_owned())]);
    }

    #[test]
    fn what_is_typed_keeps_what_was_chosen() {
        let query = Query::parse(Some("reason=550&state=parked&after=7"));
        let fields = [("reason", "Reason".to_owned()), ("order", "Order".to_owned())];
        let typed = Filters::new("/l/", &query).typed(&fields, 9).typed.unwrap();
        assert_eq!(typed.hidden, [("state".to_owned(), "parked".to_owned())]);
        assert_eq!(typed.fields.iter().map(|field| field.value.as_str()).collect::<Vec<_>>(), ["550", ""]);
    }

    #[test]
    fn a_count_stops() {
        assert_eq!((counted(1, 10_000), counted(12, 10_000)), ("1 in all".to_owned(), "12 in all".to_owned()));
        assert_eq!(counted(10_001, 10_000), "10,000+ in all");
    }
}
