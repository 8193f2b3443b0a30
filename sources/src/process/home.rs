//! An empty directory of its own for a program that is to find nothing of ours.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Names that others hold are passed over so often.
const TRIES: u32 = 100;

/// The directory; it goes, with all in it, when this is dropped.
#[derive(Debug)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// Makes one that nobody else may look into.
    ///
    /// Errors: say where it was to be, since whoever asks for one is busy with another path.
    pub(crate) fn new() -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let base = std::env::temp_dir();
        let failed = |error: io::Error| {
            let text = format!(
                "no temporary directory can be made in {} (TMPDIR says where): {error}",
                base.display()
            );
            io::Error::new(error.kind(), text)
        };
        for _ in 0..TRIES {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let place = base.join(format!("kubectl-netpol-{}-{number}", std::process::id()));
            #[cfg_attr(not(unix), expect(unused_mut, reason = "it has a mode on Unix"))]
            let mut builder = std::fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            match builder.create(&place) {
                Ok(()) => return Ok(Self(place)),
                // What is there is not ours, a link to elsewhere perhaps.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(failed(io::ErrorKind::AlreadyExists.into()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Whoever cleans temporary directories does the rest.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
