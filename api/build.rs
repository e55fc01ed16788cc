//! Makes the static files of the pages ready to be sent: each gets a name that says what is in it, so that it can be
//! kept for ever, and is compressed as far as that goes. The program embeds the results.

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

const FOLDER: &str = "static";
/// What others wrote and only some pages need: each file stays one of its own.
const VENDORED: [&str; 2] = ["vendor/uplot.js", "vendor/uplot.css"];
/// All styles become this one: a page fetches a single one, and keeps it.
const STYLE: &str = "shop.css";
/// Hexadecimal digits of a file's hash in its name.
const HASH_DIGITS: usize = 16;
/// The largest window and the most effort that brotli knows.
const BROTLI_WINDOW: u32 = 22;
const BROTLI_EFFORT: u32 = 11;
const BROTLI_BUFFER_BYTES: usize = 1 << 16;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    let mut files: Vec<PathBuf> =
        fs::read_dir(FOLDER)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    let mut table = String::from("pub(super) static ASSETS: &[Asset] = &[\n");
    let (mut styles, mut others) = (Vec::new(), Vec::new());
    for file in files.iter().filter(|file| file.is_file()) {
        let name = file.file_name().and_then(|name| name.to_str()).ok_or("a static file's name is not Unicode")?;
        let bytes = fs::read(file)?;
        match name {
            // What the others build on goes first.
            STYLE => styles = [bytes, styles].concat(),
            _ if name.ends_with(".css") => styles.extend(bytes),
            _ => others.push((name, bytes)),
        }
    }
    others.push((STYLE, styles));
    for file in VENDORED {
        let name = file.rsplit('/').next().unwrap_or(file);
        others.push((name, fs::read(Path::new(FOLDER).join(file))?));
    }
    for (name, bytes) in &others {
        embed(name, bytes, &out, &mut table)?;
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// Writes a file's forms, and its line of the table.
fn embed(name: &str, bytes: &[u8], out: &Path, table: &mut String) -> Result<(), Box<dyn Error>> {
    let (stem, extension) = name.rsplit_once('.').ok_or_else(|| format!("{name} has no extension"))?;
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = &digest[..HASH_DIGITS];
    let forms = [
        (name.to_owned(), bytes.to_vec()),
        (format!("{name}.br"), brotli(bytes)?),
        (format!("{name}.gz"), gzip(bytes)?),
    ];
    for (form, content) in forms {
        fs::write(out.join(form), content)?;
    }
    let include = |form: &str| format!("include_bytes!(concat!(env!(\"OUT_DIR\"), {:?}))", format!("/{form}"));
    writeln!(
        table,
        "Asset {{ name: {name:?}, served: {served:?}, etag: {etag:?}, media_type: {media_type:?},\n identity: {},\n brotli: {},\n gzip: {} }},",
        include(name),
        include(&format!("{name}.br")),
        include(&format!("{name}.gz")),
        served = format!("{stem}-{hash}.{extension}"),
        etag = format!("\"{hash}\""),
        media_type = media_type(extension)?,
    )?;
    Ok(())
}

fn media_type(extension: &str) -> Result<&'static str, String> {
    match extension {
        "css" => Ok("text/css; charset=utf-8"),
        "js" => Ok("text/javascript; charset=utf-8"),
        "svg" => Ok("image/svg+xml"),
        other => Err(format!("a static file has the extension {other}, whose media type is not known: add it here")),
    }
}

fn brotli(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), BROTLI_BUFFER_BYTES, BROTLI_EFFORT, BROTLI_WINDOW);
    encoder.write_all(bytes)?;
    encoder.flush()?;
    Ok(encoder.into_inner())
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
