//! Pictures of products, as staff hand them in: looked at for what they are, made anew in the sizes that pages show,
//! and kept as files under names of ours.
//!
//! Nothing of the file that came is kept but its pixels: no metadata (where a photo was taken, say), and nothing that
//! hides before, within or behind a picture. A drawing that may hold a script (SVG) is never taken.
//!
//! - [`read`]: from bytes to pixels, within bounds. [`render`]: from pixels to files. [`size`]: how large, and under
//!   which names.
//! - [`store`]: the folder of files. [`refusal`]: what clients are told.

mod colour;
mod jpeg;
mod read;
mod refusal;
mod render;
mod size;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use size::Size;

use crate::http::body::Bounds;
use bytes::Bytes;
use domain::product::PictureName;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::sync::Semaphore;

/// The most bytes of a picture that is handed in. A camera's largest JPEGs have about as many.
pub(crate) const MAX_BYTES: usize = 10 << 20;
/// The most pixels: what a camera of 24 megapixels makes, with some to spare.
pub(crate) const MAX_PIXELS: u64 = 25_000_000;
/// How a picture may arrive: by a slow line too.
pub(crate) const BODY: Bounds = Bounds { max_bytes: MAX_BYTES, receive_at_most: Duration::from_secs(60) };
/// How many are worked on at once. One takes up to 300 MB and one core.
const AT_ONCE: usize = 1;
/// How long a turn is waited for, and how long the work may take before its sender is told that it took too long.
const TURN_AT_MOST: Duration = Duration::from_secs(10);
const WORK_AT_MOST: Duration = Duration::from_secs(30);

/// Why a picture is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    /// It is none, or of a kind that is not taken.
    #[error("the file is no PNG, JPEG or WebP picture")]
    UnknownFormat,
    /// It is cut off or damaged.
    #[error("the picture can't be read to its end: it is cut off or damaged")]
    Damaged,
    /// It has more than [`MAX_PIXELS`].
    #[error("a picture has at most {MAX_PIXELS} pixels")]
    TooManyPixels,
    /// Others were handed in at the same time.
    #[error("too many pictures at once")]
    Busy,
    /// It took longer than [`WORK_AT_MOST`].
    #[error("the picture takes too long to be read")]
    TooSlow,
    /// There is no room on the disk.
    #[error("the disk with the pictures is full")]
    DiskFull,
    /// The folder can't be written.
    #[error("the picture can't be kept: {0}")]
    Storage(std::io::Error),
    /// This process has no data directory.
    #[error("there is no data directory: name one with --data-dir")]
    NoDirectory,
}

/// Takes pictures; cheap to clone, and clones share its bounds.
#[derive(Debug, Clone)]
pub(crate) struct Pictures {
    directory: Option<PathBuf>,
    turns: Arc<Semaphore>,
}

impl Pictures {
    /// Keeps them in this folder, which is made when it is needed.
    pub(crate) fn new(directory: Option<PathBuf>) -> Self {
        Self { directory, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Makes of the bytes of a file the pictures that pages show, keeps them durably, and gives them a name. The same
    /// file gives the same name. What is kept and then named by nothing does no harm.
    pub(crate) async fn keep(&self, bytes: Bytes) -> Result<PictureName, PictureError> {
        let store = Store::new(self.directory.clone().ok_or(PictureError::NoDirectory)?);
        let turn = tokio::time::timeout(TURN_AT_MOST, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(PictureError::Busy)?;
        // The turn lasts as long as the work, also where nobody waits for it any more.
        let work = tokio::task::spawn_blocking(move || {
            let kept = keep(&store, &bytes);
            drop(turn);
            kept
        });
        match tokio::time::timeout(WORK_AT_MOST, work).await {
            Ok(Ok(kept)) => kept,
            // A panic in a decoder, which the log has from where it was: the file made it do that.
            Ok(Err(_)) => Err(PictureError::Damaged),
            Err(_) => Err(PictureError::TooSlow),
        }
    }
}

fn keep(store: &Store, bytes: &[u8]) -> Result<PictureName, PictureError> {
    let rendered = render::render(read::read(bytes)?)?;
    store.write(&rendered)?;
    Ok(rendered.name)
}
