//! The base images that are on disk.

use std::path::Path;

use super::{NamedInput, Request};
use crate::error::Error;
use crate::image::{Image, ImageStore, LayoutSpec, Platform};
use crate::plan::Images;

/// The images that a request names: `--base`, and named contexts that are OCI layouts.
///
/// # Errors
/// [`Error`] for a path that isn't there, and for a layout that is not named properly.
pub fn store(request: &Request) -> Result<ImageStore, Error> {
    let mut images = ImageStore::new();
    for (reference, path) in &request.bases {
        // A layout may have a tag or a digest behind its folder.
        let text = path.to_string_lossy();
        let folder = Path::new(text.split(['@', ':']).next().unwrap_or_default());
        if !path.exists() && !folder.exists() {
            return Err(absent(path));
        }
        images.add_base(reference, path);
    }
    for (name, input) in &request.named {
        if let NamedInput::OciLayout(spec) = input {
            let spec = LayoutSpec::parse(spec)?;
            if !spec.folder.exists() {
                return Err(absent(&spec.folder));
            }
            images.add_named(name, spec);
        }
    }
    Ok(images)
}

fn absent(path: &Path) -> Error {
    Error::read(path, std::io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error()))
}

impl Images for ImageStore {
    fn image(&self, reference: &str, platform: &Platform) -> Result<Option<Image>, String> {
        Self::image(self, reference, platform).map_err(|e| e.to_string())
    }

    fn named(&self, name: &str, platform: &Platform) -> Result<Image, String> {
        Self::named(self, name, platform).map_err(|e| e.to_string())
    }
}
