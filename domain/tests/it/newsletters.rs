//! An issue of the newsletter is written, rewritten, and goes out once.

use crate::given::given;
use crate::samples::language;
use domain::newsletter::{
    Command, IssueContent, IssueDrafted, IssueReleased, IssueWords, MAX_TRANSLATIONS, Newsletter, NewsletterEvent,
    Rejection,
};
use domain::text::{IssueSubject, IssueText};
use std::collections::BTreeMap;

fn content(subject: &str) -> IssueContent {
    IssueContent { words: words(subject), translations: BTreeMap::from([(language("ko"), words("첫물차"))]) }
}

fn words(subject: &str) -> IssueWords {
    IssueWords { subject: IssueSubject::parse(subject).unwrap(), text: IssueText::parse("It is here.").unwrap() }
}

fn drafted(subject: &str) -> NewsletterEvent {
    IssueDrafted { content: content(subject) }.into()
}

fn released(subject: &str) -> NewsletterEvent {
    IssueReleased { content: content(subject) }.into()
}

fn rewrite(subject: &str) -> Command {
    Command::Rewrite(content(subject))
}

#[test]
fn it_is_written_and_rewritten() {
    given::<NewsletterEvent>([]).when(Command::Draft(content("Spring"))).then_events([drafted("Spring")]);
    given([drafted("Spring")]).when(rewrite("First flush")).then_events([drafted("First flush")]);
    given([drafted("Spring")]).when(rewrite("Spring")).then_nothing();
}

#[test]
fn what_was_written_last_goes_out_once() {
    let history = [drafted("Spring"), drafted("First flush")];
    given(history.clone()).when(Command::Release).then_events([released("First flush")]);
    let state = given(history).when(Command::Release).then_state();
    assert_eq!((state.is_released(), state.content()), (true, Some(&content("First flush"))));
    given([drafted("Spring"), released("Spring")]).when(Command::Release).then_nothing();
}

#[test]
fn what_went_out_stays_as_it_is() {
    let history = [drafted("Spring"), released("Spring")];
    given(history.clone()).when(rewrite("Summer")).then_rejected(Rejection::AlreadyReleased);
    given(history).when(rewrite("Spring")).then_nothing();
}

#[test]
fn what_was_never_written_does_not_go_out() {
    given::<NewsletterEvent>([]).when(Command::Release).then_rejected(Rejection::NotFound);
    given::<NewsletterEvent>([]).when(rewrite("Spring")).then_rejected(Rejection::NotFound);
    given([drafted("Spring")]).when(Command::Draft(content("Spring"))).then_rejected(Rejection::AlreadyExists);
    assert_eq!(Newsletter::default().content(), None);
}

#[test]
fn there_are_only_so_many_languages() {
    let languages = ('a'..='z').map(|letter| language(&format!("a{letter}")));
    let translations = languages.take(MAX_TRANSLATIONS + 1).map(|language| (language, words("x"))).collect();
    let many = Command::Draft(IssueContent { words: words("x"), translations });
    given::<NewsletterEvent>([]).when(many).then_rejected(Rejection::TooManyTranslations);
}
