//! What is told of a picture that is not taken.

use super::PictureError;
use crate::problem::{Code, Place, Problem};

impl PictureError {
    /// What programs tell it by, where the file itself is at fault.
    const fn fault(&self) -> Option<&'static str> {
        match self {
            Self::UnknownFormat => Some("unknown_format"),
            Self::Damaged => Some("damaged"),
            Self::TooManyPixels => Some("too_many_pixels"),
            Self::TooSlow => Some("too_slow"),
            Self::Busy | Self::DiskFull | Self::Storage(_) | Self::NoDirectory => None,
        }
    }

    /// Tells whoever runs the system what is not the file's fault.
    pub(crate) fn log(&self) {
        match self {
            Self::DiskFull | Self::Storage(_) | Self::NoDirectory => {
                tracing::error!(error = %self, "a picture can't be kept")
            }
            Self::UnknownFormat | Self::Damaged | Self::TooManyPixels | Self::TooSlow | Self::Busy => {}
        }
    }
}

impl From<PictureError> for Problem {
    fn from(error: PictureError) -> Self {
        error.log();
        if let Some(fault) = error.fault() {
            let detail = "Send a whole PNG, JPEG or WebP picture. Nothing was changed.";
            return Self::new(Code::PictureRejected, detail).error(
                Place::Pointer(String::new()),
                fault,
                error.to_string(),
            );
        }
        match error {
            PictureError::Busy => Self::new(Code::Overloaded, "Nothing was changed; try again."),
            PictureError::DiskFull => {
                Self::new(Code::StorageFull, "There is no room on the server's disk. Nothing was changed.")
            }
            _ => Self::new(Code::StorageUnavailable, "The server can't write its data directory. Nothing was changed."),
        }
    }
}
