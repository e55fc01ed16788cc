//! The README's how-tos, followed to the letter in a clean copy of the repository. What they add is built there and its
//! tests are run, so that a text which no longer fits the code fails here and not in a reader's hands.
//!
//! All are followed in one copy, to build it once. That none needs another is seen without building: each finds what it
//! changes in an untouched copy, and no two touch the same file.

mod beside;
mod clean_copy;
mod how_to;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clean_copy::CleanCopy;
use how_to::{Change, Files, HowTo, TestCommand};
use tokio::sync::OnceCell;

const TITLES: [&str; 3] = ["Add a read model", "Add a consumer", "Change an event"];

/// What the program of the copy is called.
const PROGRAM: &str = "orders_with_all";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn how_tos() -> [HowTo; 3] {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README");
    TITLES.map(|title| HowTo::read(&readme, title))
}

#[tokio::test]
async fn a_read_model_is_added_as_it_says() {
    let passed = tests_passed("Add a read model").await;
    assert_eq!(passed, ["orders_by_city::each_city_has_its_paid_orders_and_their_money"]);
}

#[tokio::test]
async fn a_consumer_is_added_as_it_says() {
    let passed = tests_passed("Add a consumer").await;
    assert_eq!(
        passed,
        ["loyalty_points::an_order_paid_from_now_on_earns_its_points_once", "loyalty_points::only_full_units_count",]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_added_as_it_says_starts_on_a_system_with_history_beside_its_writer() {
    beside::starts_beside_a_writer(&program_with_all().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_of_a_view_made_as_it_says_is_built_beside_promoted_and_rolled_back() {
    beside::takes_over_a_view(&program_with_all().await).await;
}

#[tokio::test]
async fn an_event_is_changed_as_it_says() {
    let passed = tests_passed("Change an event").await;
    for proof in [
        "golden::every_version_has_its_golden_files",
        "golden::today_writes_what_the_newest_golden_files_say",
        "golden::what_was_stored_reads_as_the_event_that_it_was",
        "products::a_product_is_withdrawn_and_restored",
        "properties::wire::what_was_written_reads_back",
        "wire::a_member_that_is_missing_is_refused_unless_it_may_be",
    ] {
        assert!(passed.iter().any(|name| name == proof), "{proof} is not among {passed:?}");
    }
}

#[test]
fn each_how_to_stands_alone() {
    let mut touched = BTreeSet::new();
    for how_to in how_tos() {
        let mut files = clean_copy::files_of(&root());
        let last = files.keys().filter_map(|file| migration(file)).max().expect("migrations").to_owned();
        how_to.apply(&mut files);
        for file in how_to.files() {
            assert!(touched.insert(file.to_owned()), "{file} is touched by two how-tos");
            assert!(
                migration(file).is_none_or(|number| *number > *last),
                "number {file} after {last}, the last there is"
            );
        }
    }
}

/// The number of a migration.
fn migration(file: &str) -> Option<&str> {
    Some(file.strip_prefix("migrations/")?.split_once('_')?.0)
}

#[test]
fn without_git_the_same_files_are_copied() {
    let walked = clean_copy::walk(&root());
    if let Some(listed) = clean_copy::list_by_git(&root()) {
        let lacking: Vec<_> = listed.difference(&walked).filter(|name| root().join(name).is_file()).collect();
        assert!(lacking.is_empty(), "a walk does not find {lacking:?}");
    }
    assert!(walked.contains("testkit/tests/it/readme.rs"));
    assert!(!walked.iter().any(|name| name.starts_with("target/")));
}

#[test]
fn its_links_and_scripts_are_there() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README");
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    let files = links.filter(|link| !link.contains("://")).map(|link| link.split('#').next().unwrap_or(link));
    let dead: Vec<_> = files.filter(|file| !root().join(file).exists()).collect();
    assert!(dead.is_empty(), "these links lead nowhere: {dead:?}");
    assert!(readme.contains("\ntestkit/test\n"), "the README names the command that tests all");
    let mode = root().join("testkit/test").metadata().expect("a script").permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "it is executable");
}

/// Runs the command with which that section of the README ends; gives the names of the tests that passed.
///
/// # Panics
/// When one failed, or there was none.
async fn tests_passed(title: &str) -> Vec<String> {
    let how_to = how_tos().into_iter().find(|how_to| how_to.title() == title).expect("one of the titles");
    let mut arguments = cargo_test(&[how_to.test()]);
    arguments.extend(["--".to_owned()].into_iter().chain(how_to.test().filter.clone()));
    let output = copy_with_all().await.cargo(&arguments).await.succeeded();
    let tests = output.lines().filter_map(|line| line.strip_prefix("test "));
    let mut passed: Vec<_> = tests.filter_map(|test| test.strip_suffix(" ... ok")).map(str::to_owned).collect();
    passed.sort_unstable();
    assert!(!passed.is_empty(), "no test ran:\n{output}");
    passed
}

/// The copy in which all how-tos were followed, built without a warning.
async fn copy_with_all() -> &'static CleanCopy {
    static COPY: OnceCell<CleanCopy> = OnceCell::const_new();
    COPY.get_or_init(async || {
        let (mut files, how_tos) = (clean_copy::files_of(&root()), how_tos());
        for how_to in &how_tos {
            how_to.apply(&mut files);
            name_test_binary(&mut files, &how_to.test().package);
        }
        name_program(&mut files);
        // As if its rows meant something else from now on.
        let version = ["1", "2"].map(|number| format!("    const VERSION: u32 = {number};"));
        Change::new("projections/src/order_totals.rs", &version[0], &version[1]).apply(&mut files);
        clean_copy::give_another_version(&mut files);
        let copy = CleanCopy::of("readme", &files);
        copy.is_formatted(how_tos.iter().flat_map(HowTo::files)).await;
        let mut arguments = cargo_test(&how_tos.each_ref().map(HowTo::test));
        arguments.push("--no-run".to_owned());
        let built = copy.cargo_patiently(&arguments).await;
        assert!(built.status.success() && !built.stderr.contains("warning: "), "{}\n{}", built.status, built.stderr);
        copy
    })
    .await
}

/// What `cargo test -p PACKAGE` comes to for several packages, with the features of the whole workspace: those in which
/// the libraries are built already. Else cargo would choose other features, and build most libraries a second time.
fn cargo_test(tests: &[&TestCommand]) -> Vec<String> {
    let mut arguments = ["test", "--offline", "--locked", "--workspace"].map(str::to_owned).to_vec();
    arguments.extend(tests.iter().flat_map(|test| ["--test".to_owned(), test_binary(&test.package)]));
    arguments
}

/// Each package calls its test binary `it`. In the copy each gets a name of its own, by which cargo can be asked for
/// it.
fn name_test_binary(files: &mut Files, package: &str) {
    let change =
        Change::new(&format!("{package}/Cargo.toml"), "name = \"it\"", &format!("name = \"{}\"", test_binary(package)));
    change.apply(files);
}

/// The program of the copy, built.
async fn program_with_all() -> PathBuf {
    let mut arguments = ["test", "--offline", "--locked", "--workspace", "--test"].map(str::to_owned).to_vec();
    arguments.extend([test_binary("api"), "--no-run".to_owned()]);
    let copy = copy_with_all().await;
    let built = copy.cargo_patiently(&arguments).await;
    assert!(built.status.success() && !built.stderr.contains("warning: "), "{}\n{}", built.status, built.stderr);
    copy.target().join("debug").join(PROGRAM)
}

/// The program lies where that of the original does, so in the copy it gets a name of its own. It is built for the
/// tests of its package; in the copy there are none of these, which take long to build.
fn name_program(files: &mut Files) {
    Change::new("api/Cargo.toml", "name = \"orders\"", &format!("name = \"{PROGRAM}\"")).apply(files);
    name_test_binary(files, "api");
    files.insert("api/tests/it/main.rs".to_owned(), b"//! None.\n".to_vec());
}

fn test_binary(package: &str) -> String {
    format!("{package}_it")
}
