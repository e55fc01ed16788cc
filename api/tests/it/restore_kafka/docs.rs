//! The commands of `docs/OPERATIONS.md`, as they stand there.

const OPERATIONS: &str = include_str!("../../../../docs/OPERATIONS.md");

/// The commands of a section that begin with this text, with the places of the example replaced by the test's own.
pub fn commands(section: &str, begin: &str, replaced: &[(&str, &str)]) -> String {
    block(section, "sh", begin, replaced)
}

/// The settings of PostgreSQL that backups need, by their names.
pub fn postgres_settings(backups: &str) -> Vec<(&'static str, String)> {
    let settings = block("Backup", "ini", "archive_mode", &[("/srv/backups", backups)]);
    let pairs = settings.lines().map(|line| line.split_once(" = ").expect(line));
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()));
    pairs.map(|(name, value)| (&*name.leak(), value)).collect()
}

fn block(section: &str, language: &str, begin: &str, replaced: &[(&str, &str)]) -> String {
    let (_, text) = OPERATIONS.split_once(&format!("\n## {section}\n")).expect(section);
    let text = text.split("\n## ").next().expect("the section");
    let fence = format!("```{language}\n");
    let mut blocks = text.split(&fence).skip(1).map(|rest| rest.split("```").next().expect(rest));
    let block = blocks.find(|block| block.starts_with(begin)).unwrap_or_else(|| panic!("no `{begin}` in {section}"));
    replaced.iter().fold(block.to_owned(), |block, (from, to)| {
        assert!(block.contains(from), "`{from}` in {block}");
        block.replace(from, to)
    })
}
