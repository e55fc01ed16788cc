//! What all staff pages have in common, as templates use it.

use super::texts::{text, text_with};
use super::{Notice, Section};
use crate::pictures::Size;
use crate::shop::{Frame, asset_url, picture_url};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use commands::staff::{Account, Role};
use consumers::language::{FluentValue, Lang};
use consumers::money;
use domain::Money;

/// The frame of one page: the field `page` of every template.
#[derive(Debug, Clone)]
pub(crate) struct AdminPage {
    /// Goes into each form.
    pub(crate) csrf: String,
    /// What whoever is logged in is called; empty where nobody is.
    pub(crate) me: String,
    /// What they may do.
    pub(crate) role: String,
    /// The path and query that it was asked for under.
    pub(crate) here: String,
    /// What there is to tell.
    pub(crate) notices: Vec<Notice>,
    section: Option<Section>,
    shown_to: Option<Role>,
    frame: Frame,
    time_zone: Tz,
    now: DateTime<Utc>,
}

/// A part of the navigation.
pub(crate) struct Link {
    pub(crate) path: &'static str,
    pub(crate) name: String,
    pub(crate) current: bool,
}

/// Where a page is shown, and when.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) frame: Frame,
    pub(super) time_zone: Tz,
    pub(super) here: String,
    pub(super) now: DateTime<Utc>,
}

impl AdminPage {
    /// For nobody: where one logs in.
    pub(super) fn open(place: Place) -> Self {
        let Place { frame, time_zone, here, now } = place;
        let (csrf, me, role) = (String::new(), String::new(), String::new());
        Self { csrf, me, role, here, notices: Vec::new(), section: None, shown_to: None, frame, time_zone, now }
    }

    /// For whoever is logged in.
    pub(super) fn of(place: Place, account: &Account, csrf: String, section: Section) -> Self {
        Self {
            csrf,
            me: account.name.to_string(),
            role: text(&format!("staff-role-{}", account.role)),
            section: Some(section),
            shown_to: Some(account.role),
            ..Self::open(place)
        }
    }

    /// The shop's name.
    pub(crate) fn shop_name(&self) -> &str {
        &self.frame.settings().name
    }

    /// A text.
    pub(crate) fn t(&self, id: &str) -> String {
        text(id)
    }

    /// A text with one argument.
    pub(crate) fn t1<'v>(&self, id: &str, name: &str, value: impl Into<FluentValue<'v>>) -> String {
        text_with(id, &[(name, value.into())])
    }

    /// An amount.
    pub(crate) fn money(&self, amount: &Money) -> String {
        money::shown(*amount, Lang::En)
    }

    /// Where one of our own files is to be had.
    pub(crate) fn asset(&self, name: &str) -> String {
        asset_url(name)
    }

    /// Where a product's picture is to be had, in this size.
    pub(crate) fn picture(&self, name: &str, size: Size) -> String {
        picture_url(name, size)
    }

    /// What the part of the pages is called that this one is of.
    pub(crate) fn section_name(&self) -> String {
        self.section.map(|section| text(section.text())).unwrap_or_default()
    }

    /// What the navigation leads to.
    pub(crate) fn sections(&self) -> Vec<Link> {
        let Some(role) = self.shown_to else { return Vec::new() };
        let shown = Section::ALL.into_iter().filter(|section| section.is_for(role));
        let link = |section: Section| Link {
            path: section.path(),
            name: text(section.text()),
            current: self.section == Some(section),
        };
        shown.map(link).collect()
    }

    /// A time, in the shop's time zone, to the minute.
    pub(crate) fn time(&self, at: &DateTime<Utc>) -> String {
        at.with_timezone(&self.time_zone).format("%Y-%m-%d %H:%M").to_string()
    }

    /// A time as programs read it.
    pub(crate) fn iso(&self, at: &DateTime<Utc>) -> String {
        at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    /// How long ago it was, or when, if that is long.
    pub(crate) fn ago(&self, at: &DateTime<Utc>) -> String {
        ago(*at, self.now).unwrap_or_else(|| at.with_timezone(&self.time_zone).format("%Y-%m-%d").to_string())
    }
}

/// `None` where a date says more.
fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> Option<String> {
    let passed = now.signed_duration_since(at);
    if passed < TimeDelta::minutes(1) {
        return (passed > TimeDelta::minutes(-1)).then(|| text("staff-just-now"));
    }
    let (unit, count) = if passed < TimeDelta::hours(1) {
        ("staff-minutes-ago", passed.num_minutes())
    } else if passed < TimeDelta::days(1) {
        ("staff-hours-ago", passed.num_hours())
    } else if passed < TimeDelta::days(14) {
        ("staff-days-ago", passed.num_days())
    } else {
        return None;
    };
    Some(text_with(unit, &[("count", count.into())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_how_long_ago_it_was() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        let before = |seconds: i64| ago(now - TimeDelta::seconds(seconds), now);
        assert_eq!(before(10).as_deref(), Some("just now"));
        assert_eq!(before(60).as_deref(), Some("1 min ago"));
        assert_eq!(before(7_200).as_deref(), Some("2 h ago"));
        assert_eq!(before(86_400).as_deref(), Some("1 day ago"));
        assert_eq!((before(15 * 86_400), before(-3_600)), (None, None));
    }
}
