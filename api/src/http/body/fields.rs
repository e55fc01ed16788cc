//! Reads the members of an object into the domain's types, and notes every fault with its JSON pointer.
//!
//! Each reader gives `None` for a fault that it noted, and goes on: so read all members first, and put them together
//! with `?` after that. A member that nobody asked for is a fault as well.
//!
//! The same readers tell what they ask for ([`schema`](super::schema)): then there is no body, and each gives `None`
//! once it has said what it would read. So the API's document can't say anything else than the code does.

use super::json::{Json, Member};
use super::pointer::Path;
use super::schema::{self, Need, Schema, Shaped};
use crate::problem::{Faults, Place, ValueError};
use domain::{Money, Quantity};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// What a merge patch (RFC 7396) asks of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch<T> {
    /// It is not there: keep what is.
    Keep,
    /// It is `null`: take it away.
    Remove,
    /// Set it.
    Set(T),
}

/// The members of one object that were not read yet.
#[derive(Debug)]
pub struct Fields<'f, 'a> {
    path: Path<'f>,
    members: Vec<Member<'a>>,
    faults: &'f mut Faults,
    /// Where it is written down what is asked for, when that is asked, and no body read.
    schema: Option<&'f mut Schema>,
}

impl<'f, 'a> Fields<'f, 'a> {
    /// An object that is not there, of which only what is asked for is of interest.
    pub(super) fn asked(schema: &'f mut Schema, faults: &'f mut Faults) -> Self {
        Self { path: Path::Root, members: Vec::new(), faults, schema: Some(schema) }
    }

    /// Goes on where a body is read; else writes down what would be read.
    fn reads(&mut self, name: &str, need: Need, shape: impl FnOnce() -> Value) -> Option<()> {
        let Some(schema) = &mut self.schema else { return Some(()) };
        schema.member(name, need, shape());
        None
    }

    /// Reads the object at `path`; what `read` leaves over is noted as unknown.
    pub(super) fn read<T>(
        path: Path<'f>,
        json: Json<'a>,
        faults: &'f mut Faults,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let Json::Object(members) = json else {
            note(faults, &path, "wrong_type", format!("must be an object, not {}", json.kind()));
            return None;
        };
        let mut fields = Self { path, members, faults, schema: None };
        let value = read(&mut fields);
        fields.refuse_the_rest();
        value
    }

    /// A text that must be there, as `parse` reads it.
    pub fn text<T: Shaped, E: ValueError>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.reads(name, Need::Required, T::shape)?;
        match self.required(name)? {
            Json::Text(text) => self.parsed(name, parse(&text)),
            other => self.wrong_type(name, "a string", &other),
        }
    }

    /// A text that may be missing or `null`. The outer `None` is a fault.
    pub fn optional_text<T: Shaped, E: ValueError>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match self.patched_text(name, parse)? {
            Patch::Keep | Patch::Remove => Some(None),
            Patch::Set(value) => Some(Some(value)),
        }
    }

    /// A text of a merge patch.
    pub fn patched_text<T: Shaped, E: ValueError>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Patch<T>> {
        self.reads(name, Need::OrNull, T::shape)?;
        match self.take(name) {
            None => Some(Patch::Keep),
            Some(Json::Null) => Some(Patch::Remove),
            Some(Json::Text(text)) => self.parsed(name, parse(&text)).map(Patch::Set),
            Some(other) => self.wrong_type(name, "a string", &other),
        }
    }

    /// A text of a merge patch that can be changed, but not taken away: `null` is a fault.
    pub fn changed_text<T: Shaped, E: ValueError>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        self.reads(name, Need::Optional, T::shape)?;
        let patch = self.patched_text(name, parse)?;
        self.not_removed(name, patch)
    }

    /// Money of a merge patch that can be changed, but not taken away: `null` is a fault.
    pub fn changed_money(&mut self, name: &str) -> Option<Option<Money>> {
        self.reads(name, Need::Optional, Money::shape)?;
        let patch = self.patched_money(name)?;
        self.not_removed(name, patch)
    }

    /// A quantity that must be there.
    pub fn quantity(&mut self, name: &str) -> Option<Quantity> {
        self.reads(name, Need::Required, Quantity::shape)?;
        match self.required(name)? {
            // What does not fit `u32` is as far out of range as zero is.
            Json::Number(Some(number)) => self.parsed(name, Quantity::try_from(u32::try_from(number).unwrap_or(0))),
            Json::Number(None) => self.fault(name, "out_of_range", domain::quantity::QuantityError.to_string()),
            other => self.wrong_type(name, "a number", &other),
        }
    }

    /// A whole number, not below zero, that may be missing or `null`. The outer `None` is a fault.
    pub fn optional_number(&mut self, name: &str) -> Option<Option<u64>> {
        self.reads(name, Need::OrNull, schema::whole_number)?;
        match self.take(name) {
            None | Some(Json::Null) => Some(None),
            // Beyond `bigint` there is no number of anything.
            Some(Json::Number(Some(number))) if i64::try_from(number).is_ok() => Some(Some(number)),
            Some(Json::Number(_)) => self.fault(name, "out_of_range", "must be a whole number, not below zero"),
            Some(other) => self.wrong_type(name, "a number", &other),
        }
    }

    /// A whole number, not below zero, that must be there.
    pub fn number(&mut self, name: &str) -> Option<u64> {
        self.reads(name, Need::Required, schema::whole_number)?;
        match self.required(name)? {
            Json::Number(Some(number)) if i64::try_from(number).is_ok() => Some(number),
            Json::Number(_) => self.fault(name, "out_of_range", "must be a whole number, not below zero"),
            other => self.wrong_type(name, "a number", &other),
        }
    }

    /// Money that must be there: `{"amount":"12.50","currency":"USD"}`.
    pub fn money(&mut self, name: &str) -> Option<Money> {
        self.reads(name, Need::Required, Money::shape)?;
        let json = self.required(name)?;
        self.money_in(name, json)
    }

    /// Money that may be missing or `null`. The outer `None` is a fault.
    pub fn optional_money(&mut self, name: &str) -> Option<Option<Money>> {
        match self.patched_money(name)? {
            Patch::Keep | Patch::Remove => Some(None),
            Patch::Set(money) => Some(Some(money)),
        }
    }

    fn patched_money(&mut self, name: &str) -> Option<Patch<Money>> {
        self.reads(name, Need::OrNull, Money::shape)?;
        match self.take(name) {
            None => Some(Patch::Keep),
            Some(Json::Null) => Some(Patch::Remove),
            Some(json) => self.money_in(name, json).map(Patch::Set),
        }
    }

    /// A flag of a merge patch that can be changed, but not taken away: `null` is a fault.
    pub fn changed_flag(&mut self, name: &str) -> Option<Option<bool>> {
        self.reads(name, Need::Optional, schema::flag)?;
        match self.take(name) {
            None => Some(None),
            Some(Json::Bool(flag)) => Some(Some(flag)),
            Some(Json::Null) => self.not_removed(name, Patch::Remove),
            Some(other) => self.wrong_type(name, "a boolean", &other),
        }
    }

    /// An array of texts of a merge patch, at most so many, that can be changed, but not taken away: `null` is a fault.
    pub fn changed_texts<T: Shaped, E: ValueError>(
        &mut self,
        name: &str,
        most: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Option<Vec<T>>> {
        self.reads(name, Need::Optional, || schema::list(0..=most, T::shape()))?;
        let elements = match self.take(name) {
            None => return Some(None),
            Some(Json::List(elements)) => elements,
            Some(Json::Null) => return self.not_removed(name, Patch::Remove),
            Some(other) => return self.wrong_type(name, "an array", &other),
        };
        if elements.len() > most {
            return self.fault(name, "too_many", format!("must have at most {most} elements, not {}", elements.len()));
        }
        let list = Path::Member(&self.path, name);
        let mut values = Vec::with_capacity(elements.len());
        let mut complete = true;
        for (index, element) in elements.into_iter().enumerate() {
            let (code, detail) = match &element {
                Json::Text(text) => match parse(text) {
                    Ok(value) => {
                        values.push(value);
                        continue;
                    }
                    Err(error) => (error.code(), error.to_string()),
                },
                other => ("wrong_type", format!("must be a string, not {}", other.kind())),
            };
            note(self.faults, &Path::Element(&list, index), code, detail);
            complete = false;
        }
        complete.then_some(Some(values))
    }

    /// An object of a merge patch whose members' names are values as well, such as languages: each member is read by
    /// `read`, or taken away by `null`. At most so many; `null` for the whole is a fault.
    pub fn changed_entries<K: Ord + Shaped, T, E: ValueError>(
        &mut self,
        name: &str,
        most: usize,
        parse: impl Fn(&str) -> Result<K, E>,
        mut read: impl FnMut(&mut Fields<'_, 'a>, &str) -> Option<T>,
    ) -> Option<BTreeMap<K, Option<T>>> {
        self.reads(name, Need::Optional, || schema::entries(most, K::shape(), |entry| read(entry, schema::ENTRY)))?;
        let members = match self.take(name) {
            None => return Some(BTreeMap::new()),
            Some(Json::Object(members)) => members,
            Some(Json::Null) => return self.not_removed(name, Patch::Remove).and_then(|_: Option<()>| None),
            Some(other) => return self.wrong_type(name, "an object", &other),
        };
        if members.len() > most {
            return self.fault(name, "too_many", format!("must have at most {most} members, not {}", members.len()));
        }
        let path = Path::Member(&self.path, name);
        // A reader of members notes each name that is left over, so each is read as the only one of an object of its
        // own.
        let mut entries = BTreeMap::new();
        let mut complete = true;
        for (member, value) in members {
            let key = match parse(&member) {
                Ok(key) => key,
                Err(error) => {
                    note(self.faults, &Path::Member(&path, &member), error.code(), error.to_string());
                    complete = false;
                    continue;
                }
            };
            let value = match value {
                Json::Null => Some(None),
                value => {
                    let only = vec![(member.clone(), value)];
                    let mut fields = Fields { path, members: only, faults: &mut *self.faults, schema: None };
                    let value = read(&mut fields, &member);
                    fields.refuse_the_rest();
                    value.map(Some)
                }
            };
            match value {
                Some(value) if !entries.contains_key(&key) => {
                    entries.insert(key, value);
                }
                Some(_) => {
                    note(self.faults, &Path::Member(&path, &member), "duplicate_member", "stands more than once");
                    complete = false;
                }
                None => complete = false,
            }
        }
        complete.then_some(entries)
    }

    /// An object that may be missing or `null`. The outer `None` is a fault.
    pub fn optional_object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Fields<'_, 'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.schema.is_some() {
            return self.reads(name, Need::OrNull, || schema::of(read)).and(None);
        }
        match self.take(name) {
            None | Some(Json::Null) => Some(None),
            Some(json) => Fields::read(Path::Member(&self.path, name), json, self.faults, read).map(Some),
        }
    }

    /// An object that must be there.
    pub fn object<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields<'_, 'a>) -> Option<T>) -> Option<T> {
        if self.schema.is_some() {
            return self.reads(name, Need::Required, || schema::of(read)).and(None);
        }
        let json = self.required(name)?;
        Fields::read(Path::Member(&self.path, name), json, self.faults, read)
    }

    /// An array of objects that must be there, of as many elements as `length` allows.
    pub fn list<T>(
        &mut self,
        name: &str,
        length: RangeInclusive<usize>,
        mut read: impl FnMut(&mut Fields<'_, 'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.reads(name, Need::Required, || schema::list(length.clone(), schema::of(&mut read)))?;
        let elements = match self.required(name)? {
            Json::List(elements) => elements,
            other => return self.wrong_type(name, "an array", &other),
        };
        if !length.contains(&elements.len()) {
            let code = if elements.is_empty() { "empty" } else { "too_many" };
            let (least, most) = length.into_inner();
            return self.fault(name, code, format!("must have {least} to {most} elements, not {}", elements.len()));
        }
        let list = Path::Member(&self.path, name);
        let mut values = Vec::with_capacity(elements.len());
        let mut complete = true;
        for (index, element) in elements.into_iter().enumerate() {
            match Fields::read(Path::Element(&list, index), element, self.faults, &mut read) {
                Some(value) => values.push(value),
                None => complete = false,
            }
        }
        complete.then_some(values)
    }

    /// Refuses members by name for a reason of their own, where they stand.
    pub fn refuse(&mut self, names: &[&str], code: &'static str, detail: &'static str) {
        // Of what is refused nothing is asked.
        for name in names {
            if self.take(name).is_some() {
                self.note(name, code, detail);
            }
        }
    }

    /// Notes a fault of the object as a whole. Gives the `None` that goes with it.
    pub fn whole<T>(&mut self, code: &'static str, detail: &'static str) -> Option<T> {
        note(self.faults, &self.path, code, detail);
        None
    }

    /// Notes a fault of a member. Gives the `None` that goes with it.
    fn fault<T>(&mut self, name: &str, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Option<T> {
        self.note(name, code, detail);
        None
    }

    fn money_in(&mut self, name: &str, json: Json<'a>) -> Option<Money> {
        let path = Path::Member(&self.path, name);
        Fields::read(path, json, self.faults, |fields| {
            let amount = fields.decimal("amount");
            let currency = fields.text("currency", domain::money::Currency::parse);
            let (amount, currency) = (amount?, currency?);
            let money = Money::parse(&amount, currency.code());
            fields.parsed("amount", money)
        })
    }

    /// A number would go through a float somewhere on its way here.
    fn decimal(&mut self, name: &str) -> Option<Cow<'a, str>> {
        match self.required(name)? {
            Json::Text(text) => Some(text),
            Json::Number(_) => {
                self.fault(name, "wrong_type", "must be a string such as \"12.50\", so that no float comes near it")
            }
            other => self.wrong_type(name, "a string such as \"12.50\"", &other),
        }
    }

    fn not_removed<T>(&mut self, name: &str, patch: Patch<T>) -> Option<Option<T>> {
        match patch {
            Patch::Keep => Some(None),
            Patch::Set(value) => Some(Some(value)),
            Patch::Remove => self.fault(name, "required", "can't be taken away"),
        }
    }

    fn required(&mut self, name: &str) -> Option<Json<'a>> {
        let taken = self.take(name);
        if taken.is_none() {
            self.note(name, "missing", "is required");
        }
        taken
    }

    /// Takes the member out; if it stands there more than once, that is a fault and the first counts.
    fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let first = self.members.iter().position(|(member, _)| member == name)?;
        let (_, value) = self.members.remove(first);
        let others = self.members.len();
        self.members.retain(|(member, _)| member != name);
        if self.members.len() < others {
            self.note(name, "duplicate_member", "stands more than once");
        }
        Some(value)
    }

    fn refuse_the_rest(&mut self) {
        for (name, _) in std::mem::take(&mut self.members) {
            self.note(&name, "unknown_member", "is not known here");
        }
    }

    fn parsed<T, E: ValueError>(&mut self, name: &str, outcome: Result<T, E>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(error) => self.fault(name, error.code(), error.to_string()),
        }
    }

    fn wrong_type<T>(&mut self, name: &str, wanted: &str, found: &Json<'_>) -> Option<T> {
        self.fault(name, "wrong_type", format!("must be {wanted}, not {}", found.kind()))
    }

    fn note(&mut self, name: &str, code: &'static str, detail: impl Into<Cow<'static, str>>) {
        note(self.faults, &Path::Member(&self.path, name), code, detail);
    }
}

fn note(faults: &mut Faults, path: &Path<'_>, code: &'static str, detail: impl Into<Cow<'static, str>>) {
    faults.add(Place::Pointer(path.pointer()), code, detail);
}
