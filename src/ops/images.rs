//! The base images that are on disk, and those in registries.

#[cfg(feature = "registry")]
use std::collections::HashMap;
use std::path::Path;
#[cfg(feature = "registry")]
use std::sync::{Mutex, PoisonError};

use super::{NamedInput, Request};
use crate::error::Error;
use crate::image::{Image, ImageStore, LayoutSpec, Platform};
#[cfg(feature = "registry")]
use crate::imported::{ImportError, RegistryOptions, resolve_image};
use crate::plan::{Images, ResolveError};

/// The images that a request names: `--base`, and named contexts that are OCI layouts; and those in registries, where the
/// request lets them be asked.
pub struct Known {
    store: ImageStore,
    #[cfg(feature = "registry")]
    registries: Option<Registries>,
}

/// Images that are asked for in their registries, each once.
#[cfg(feature = "registry")]
struct Registries {
    options: RegistryOptions,
    found: Mutex<HashMap<(String, Platform), Image>>,
    failed: Mutex<Option<ImportError>>,
}

impl Known {
    /// What is known of a request's images.
    ///
    /// # Errors
    /// [`Error`] for a path that isn't there, and for a layout that is not named properly.
    pub fn of(request: &Request) -> Result<Self, Error> {
        Ok(Self {
            store: store(request)?,
            #[cfg(feature = "registry")]
            registries: request.registries.clone().map(|options| Registries {
                options,
                found: Mutex::default(),
                failed: Mutex::default(),
            }),
        })
    }

    /// The error behind what the plan says: a registry's own where it was one.
    pub fn error(&self, error: ResolveError) -> Error {
        #[cfg(feature = "registry")]
        if let Some(failed) = self.registries.as_ref().and_then(|r| lock(&r.failed).take()) {
            return failed.into();
        }
        error.into()
    }
}

#[cfg(feature = "registry")]
impl Registries {
    fn image(&self, reference: &str, platform: &Platform) -> Result<Image, String> {
        let key = (reference.to_owned(), platform.clone());
        // Held while the registry is asked, so that nobody else asks the same.
        let mut found = lock(&self.found);
        if let Some(image) = found.get(&key) {
            return Ok(image.clone());
        }
        match resolve_image(reference, platform, &self.options) {
            Ok(image) => Ok(found.entry(key).or_insert(image).clone()),
            Err(error) => {
                let why = error.to_string();
                *lock(&self.failed) = Some(error);
                Err(why)
            }
        }
    }
}

/// What a thread that panicked has left is whole: a value is put there at once.
#[cfg(feature = "registry")]
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn store(request: &Request) -> Result<ImageStore, Error> {
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

impl Images for Known {
    fn image(&self, reference: &str, platform: &Platform) -> Result<Option<Image>, String> {
        let known = self.store.image(reference, platform).map_err(|e| e.to_string())?;
        #[cfg(feature = "registry")]
        if let (None, Some(registries)) = (&known, &self.registries) {
            return registries.image(reference, platform).map(Some);
        }
        Ok(known)
    }

    fn named(&self, name: &str, platform: &Platform) -> Result<Image, String> {
        self.store.named(name, platform).map_err(|e| e.to_string())
    }
}

impl Images for ImageStore {
    fn image(&self, reference: &str, platform: &Platform) -> Result<Option<Image>, String> {
        Self::image(self, reference, platform).map_err(|e| e.to_string())
    }

    fn named(&self, name: &str, platform: &Platform) -> Result<Image, String> {
        Self::named(self, name, platform).map_err(|e| e.to_string())
    }
}
