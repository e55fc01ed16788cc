//! `orders static export`, as its user runs it.

use super::wire::Wire;
use crate::shop_pages::stocked;
use std::fs;
use testkit::Launch;

#[tokio::test]
async fn the_files_that_pages_name_are_written_for_a_web_server() {
    let top = tempfile::tempdir().unwrap();
    let directory = top.path().join("static");
    let export = Launch::orders().args(["static", "export"]).arg(&directory);
    let told = export.run().await.succeeded();
    let (_shop, instance) = stocked().await;
    let wire = Wire::to(instance.address);
    let page = wire.get("/", &[("accept", "text/html")]).await.is(200).text();
    let mut named = 0;
    for link in page.split("\"/static/").skip(1) {
        let name = link.split('"').next().unwrap();
        let served = wire.get(&format!("/static/{name}"), &[]).await.is(200);
        assert_eq!(fs::read(directory.join(name)).unwrap(), served.body, "{name}");
        for (ending, coding) in [(".gz", "gzip"), (".br", "br")] {
            let served = wire.get(&format!("/static/{name}"), &[("accept-encoding", coding)]).await.is(200);
            assert_eq!(fs::read(directory.join(format!("{name}{ending}"))).unwrap(), served.body, "{name}{ending}");
        }
        assert!(told.contains(&directory.join(name).display().to_string()), "{told}");
        named += 1;
    }
    assert!(named >= 2, "a style and a script in {page}");
    let again = export.run().await.succeeded();
    assert!(again.starts_with("0 files written, "), "{again}");

    let style = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let style = style.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "css")).unwrap();
    fs::write(&style, "of somebody else").unwrap();
    let refused = export.run().await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("is there with other content"), "{refused:?}");
    assert_eq!(fs::read_to_string(&style).unwrap(), "of somebody else");
}
