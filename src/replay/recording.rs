//! A recording as views.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::journal::{FrameFile, FrameInfo, Line};
use crate::series::Timestamp;
use crate::series::text::clean;
use crate::view::{View, whole};

use super::ReplayError;
use super::issued::Issued;

/// A recording as views.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    file: FrameFile,
    /// Forecasts as issued, once they are asked for.
    issued: Option<Issued>,
}

impl Recording {
    /// Opens a bundle.
    pub fn bundle(path: &Path) -> Result<Self, ReplayError> {
        Ok(Self { path: path.to_owned(), file: FrameFile::bundle(path)?, issued: None })
    }

    /// Opens an interval of a journal, which may be written to meanwhile.
    pub fn journal(path: &Path, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self, ReplayError> {
        Ok(Self { path: path.to_owned(), file: FrameFile::journal(path, from, to)?, issued: None })
    }

    /// The frames, in the order in which they were taken.
    pub fn frames(&self) -> &[FrameInfo] {
        self.file.frames()
    }

    /// The journal's records of the interval.
    pub fn records(&self) -> &[Line] {
        self.file.records()
    }

    /// The view of a frame, from 0, with forecasts as they were issued where the journal has them.
    pub fn told(&mut self, index: usize) -> Result<Arc<View>, ReplayError> {
        self.told_within(index, usize::MAX).map(|(view, _)| view)
    }

    /// The same as far as it is told by what was read before and `most` forecasts more, and whether that is all of it: asking
    /// again goes on.
    pub(super) fn told_within(
        &mut self,
        index: usize,
        most: usize,
    ) -> Result<(Arc<View>, bool), ReplayError> {
        let mut view = View::clone(&*self.view(index)?);
        let file = &self.file;
        let shows = file.frames().get(index).is_some_and(FrameInfo::shows_forecasts);
        let all = self.issued.get_or_insert_with(|| Issued::of(file)).lay(file, &mut view, shows, most);
        Ok((Arc::new(view), all))
    }

    /// The view of a frame, from 0, as it is recorded.
    pub fn view(&mut self, index: usize) -> Result<Arc<View>, ReplayError> {
        let value = self.file.frame(index)?;
        let view = whole(value).map_err(|e| ReplayError::View {
            path: self.path.clone(),
            frame: index + 1,
            why: clean(&e.to_string(), 120),
        })?;
        Ok(Arc::new(view))
    }

    /// The file, to cut a bundle out of it.
    pub fn into_file(self) -> FrameFile {
        self.file
    }
}
