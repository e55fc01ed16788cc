//! What can be done on the console. A deed stands in forms and addresses as what it is and to what: `parked.retry 42`.

use super::parked::{self, asked};
use super::{ASK, PATH};
use crate::admin::list;
use consumers::parked::{Decision, Filter};

/// The longest name of something.
const MAX_NAME_BYTES: usize = 200;
/// The form's field, and the parameter, that say which list a deed leads back to.
pub(super) const BACK: &str = "back";

/// A deed as pages have it: what a form says, and where it is asked about first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Act {
    pub(super) text: String,
    pub(super) url: String,
}

/// Something that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    /// About one item that is parked, of unknown outcome, or waits.
    Item(Decision, i64),
    /// About all that a filter finds.
    Items(Decision, Filter),
    /// Have a consumer group rest.
    Pause(String),
    /// Have it go on.
    Resume(String),
    /// Hand it events again.
    Rewind(String),
    /// Withdraw that, as far as it was not carried out.
    WithdrawRewind(String),
    /// Build a read model anew.
    Rebuild(String),
    /// Have another build of a read model serve.
    Promote { view: String, build: String },
    /// Have the build serve again that did before.
    RollBack(String),
    /// Have a job run now.
    RunJob(i64),
    /// Have a job not be done.
    CancelJob(i64),
}

impl Deed {
    /// As it is written.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Item(decision, id) => format!("{} {id}", decision.action()),
            Self::Items(decision, filter) => format!("{}.all {}", decision.action(), asked::written(filter)),
            Self::Pause(group) => format!("consumer.pause {group}"),
            Self::Resume(group) => format!("consumer.resume {group}"),
            Self::Rewind(group) => format!("consumer.rewind {group}"),
            Self::WithdrawRewind(group) => format!("consumer.withdraw_rewind {group}"),
            Self::Rebuild(view) => format!("projection.rebuild {view}"),
            Self::Promote { view, build } => format!("projection.promote {view}/{build}"),
            Self::RollBack(view) => format!("projection.rollback {view}"),
            Self::RunJob(id) => format!("schedule.run {id}"),
            Self::CancelJob(id) => format!("schedule.cancel {id}"),
        }
    }

    /// As pages have it.
    pub(super) fn act(&self) -> Act {
        self.act_from(None)
    }

    /// As the page at `back` has it, which it leads back to; the console where there is none.
    pub(super) fn act_from(&self, back: Option<&str>) -> Act {
        let text = self.text();
        let (path, begins) = (format!("{ASK}?"), ASK.len() + 1);
        let mut query = form_urlencoded::Serializer::for_suffix(path, begins);
        query.append_pair("do", &text).extend_pairs(back.map(|back| (BACK, back)));
        Act { url: query.finish(), text }
    }

    /// Reads what [`text`](Self::text) wrote; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (what, to) = text.split_once(' ')?;
        match what {
            "parked.retry.all" => return Some(Self::Items(Decision::Retry, asked::read(to)?)),
            "parked.discard.all" => return Some(Self::Items(Decision::Discard, asked::read(to)?)),
            _ if to.is_empty() || to.len() > MAX_NAME_BYTES => return None,
            _ => {}
        }
        let (id, name) = (|| to.parse::<i64>().ok(), || to.to_owned());
        Some(match what {
            "parked.retry" => Self::Item(Decision::Retry, id()?),
            "parked.discard" => Self::Item(Decision::Discard, id()?),
            "consumer.pause" => Self::Pause(name()),
            "consumer.resume" => Self::Resume(name()),
            "consumer.rewind" => Self::Rewind(name()),
            "consumer.withdraw_rewind" => Self::WithdrawRewind(name()),
            "projection.rebuild" => Self::Rebuild(name()),
            "projection.rollback" => Self::RollBack(name()),
            "projection.promote" => {
                let (view, build) = to.split_once('/')?;
                Self::Promote { view: view.to_owned(), build: build.to_owned() }
            }
            "schedule.run" => Self::RunJob(id()?),
            "schedule.cancel" => Self::CancelJob(id()?),
            _ => return None,
        })
    }
}

/// Where a deed leads back to: the list of what needs a person as it was filtered, or the console.
pub(super) fn way_back(asked: Option<&str>) -> &str {
    asked.map_or(PATH, |back| list::back(parked::PATH, Some(back)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_reads_back() {
        let name = || "order_mail".to_owned();
        for deed in [
            Deed::Item(Decision::Retry, 42),
            Deed::Item(Decision::Discard, 42),
            Deed::Items(Decision::Discard, Filter::default()),
            Deed::Items(Decision::Retry, Filter { consumer: Some(name()), ..Filter::default() }),
            Deed::Pause(name()),
            Deed::Resume(name()),
            Deed::Rewind(name()),
            Deed::WithdrawRewind(name()),
            Deed::Rebuild(name()),
            Deed::Promote { view: name(), build: "order_mail_v1_2".to_owned() },
            Deed::RollBack(name()),
            Deed::RunJob(7),
            Deed::CancelJob(7),
        ] {
            assert_eq!(Deed::parse(&deed.text()), Some(deed));
        }
    }

    #[test]
    fn a_deed_leads_back_to_the_list_that_it_was_done_on_and_nowhere_else() {
        let list = "/ops/parked/?reason=550+%26+more";
        let act = Deed::Item(Decision::Discard, 7).act_from(Some(list));
        assert_eq!(act.url, "/ops/ask/?do=parked.discard+7&back=%2Fops%2Fparked%2F%3Freason%3D550%2B%2526%2Bmore");
        assert_eq!((way_back(Some(list)), way_back(None)), (list, "/ops/"));
        assert_eq!(way_back(Some("https://evil.test/")), "/ops/parked/");
    }

    #[test]
    fn what_is_none_is_none() {
        for text in [
            "",
            "parked.retry",
            "parked.retry x",
            "projection.promote order_list",
            "rm -rf",
            "consumer.pause ",
            "parked.retry.all order_mail",
        ] {
            assert_eq!(Deed::parse(text), None, "{text}");
        }
    }
}
