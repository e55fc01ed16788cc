//! A section of the README that says how something is added, as what it does to the repository's files.
//!
//! Its blocks are of three kinds:
//!
//! - One with a file in its info string (`rust file=domain/src/sku.rs`) is that file, new and whole. As no reader is
//!   shown the info string, the text before the block names the file too.
//! - A `diff` changes files. `@@ domain/src/sku.rs @@` begins each change. Its lines are as in a patch: those with `-`
//!   or a blank before them stand in the file, together and once, and become those with `+` or a blank.
//! - A `sh` block ends it, with the one command that tests what was added: `cargo test -p PACKAGE [FILTER]`.

use std::collections::BTreeMap;

/// Files with their paths from the root, in order.
pub type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug)]
pub struct HowTo {
    title: String,
    created: Vec<(String, String)>,
    changes: Vec<Change>,
    test: TestCommand,
}

/// Lines of a file that become others.
#[derive(Debug)]
pub struct Change {
    file: String,
    old: Vec<String>,
    new: Vec<String>,
}

/// `cargo test -p PACKAGE [FILTER]`.
#[derive(Debug)]
pub struct TestCommand {
    pub package: String,
    pub filter: Option<String>,
}

impl HowTo {
    /// # Panics
    /// When there is no such section, or a block in it that can't be followed.
    pub fn read(readme: &str, title: &str) -> Self {
        let (_, section) = readme
            .split_once(&format!("\n## {title}\n"))
            .unwrap_or_else(|| panic!("the README has no section “{title}”"));
        let (mut created, mut changes, mut commands) = (Vec::new(), Vec::new(), Vec::new());
        let mut prose = String::new();
        let mut lines = section.lines();
        while let Some(line) = lines.next().filter(|line| !line.starts_with("## ")) {
            let Some(info) = line.strip_prefix("```") else {
                prose += line;
                continue;
            };
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            match (info, info.split_once(" file=")) {
                (_, Some((_, file))) => {
                    assert!(prose.contains(&format!("`{file}`")), "{title}: no text before the block names {file}");
                    created.push((file.to_owned(), body.join("\n") + "\n"));
                }
                ("diff", None) => changes.extend(changes_in(&body)),
                ("sh", None) => commands.extend(body),
                _ => panic!("{title}: nobody knows what to do with a block of `{info}`"),
            }
            prose.clear();
        }
        let [command] = commands[..] else { panic!("{title}: {commands:?} is not one command") };
        Self { title: title.to_owned(), created, changes, test: TestCommand::parse(command) }
    }

    pub fn title(&self) -> &str {
        &self.title
    }

    pub fn test(&self) -> &TestCommand {
        &self.test
    }

    /// The files that it creates or changes, each once.
    pub fn files(&self) -> Vec<&str> {
        let created = self.created.iter().map(|(file, _)| file);
        let mut files: Vec<&str> =
            created.chain(self.changes.iter().map(|change| &change.file)).map(AsRef::as_ref).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Does what it says.
    ///
    /// # Panics
    /// When a file that it creates is there, or what it changes is not.
    pub fn apply(&self, files: &mut Files) {
        for (file, content) in &self.created {
            let before = files.insert(file.clone(), content.clone().into_bytes());
            assert!(before.is_none(), "{}: {file} exists", self.title);
        }
        self.changes.iter().for_each(|change| change.apply(files));
    }
}

impl TestCommand {
    fn parse(command: &str) -> Self {
        let words: Vec<&str> = command.split(' ').collect();
        let ["cargo", "test", "-p", package, filter @ ..] = &words[..] else { panic!("{command}: another command") };
        assert!(filter.len() <= 1, "{command}: more than one filter");
        Self { package: (*package).to_owned(), filter: filter.first().map(|filter| (*filter).to_owned()) }
    }
}

impl Change {
    pub fn new(file: &str, old: &str, new: &str) -> Self {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        Self { file: file.to_owned(), old: lines(old), new: lines(new) }
    }

    /// # Panics
    /// When the lines to be changed do not stand in the file, or more than once.
    pub fn apply(&self, files: &mut Files) {
        let file = &self.file;
        let content = files.get_mut(file).unwrap_or_else(|| panic!("{file}, which is to be changed, is not there"));
        // A line feed before the first line as well, so that each line is one between two.
        let text = format!("\n{}", str::from_utf8(content).expect("a text"));
        let [old, new] = [&self.old, &self.new].map(|lines| format!("\n{}\n", lines.join("\n")));
        let count = text.matches(&old).count();
        assert!(count == 1 && !self.old.is_empty(), "these lines stand {count} times in {file}, not once:{old}");
        *content = text.replace(&old, &new).split_off(1).into_bytes();
    }
}

fn changes_in(body: &[&str]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for line in body {
        if let Some(file) = line.strip_prefix("@@ ").and_then(|rest| rest.strip_suffix(" @@")) {
            changes.push(Change { file: file.to_owned(), old: Vec::new(), new: Vec::new() });
            continue;
        }
        let change = changes.last_mut().expect("a diff begins with the file that it changes");
        // Editors take the blank off an empty line.
        let (sign, text) = line.split_at_checked(1).unwrap_or((" ", ""));
        if sign != "+" {
            change.old.push(text.to_owned());
        }
        if sign != "-" {
            change.new.push(text.to_owned());
        }
        assert!(["+", "-", " "].contains(&sign), "no line of a diff: {line}");
    }
    changes
}
