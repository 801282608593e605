//! The base images that are on disk.

use super::{NamedInput, Request};
use crate::error::Error;
use crate::image::{Image, ImageStore, LayoutSpec, Platform};
use crate::plan::Images;

/// The images that a request names: `--base`, and named contexts that are OCI layouts.
///
/// # Errors
/// [`Error`] for a layout that is not named properly.
pub fn store(request: &Request) -> Result<ImageStore, Error> {
    let mut images = ImageStore::new();
    for (reference, path) in &request.bases {
        images.add_base(reference, path);
    }
    for (name, input) in &request.named {
        if let NamedInput::OciLayout(spec) = input {
            images.add_named(name, LayoutSpec::parse(spec)?);
        }
    }
    Ok(images)
}

impl Images for ImageStore {
    fn image(&self, reference: &str, platform: &Platform) -> Result<Option<Image>, String> {
        Self::image(self, reference, platform).map_err(|e| e.to_string())
    }

    fn named(&self, name: &str, platform: &Platform) -> Result<Image, String> {
        Self::named(self, name, platform).map_err(|e| e.to_string())
    }
}
