//! A tar by whomever, compared with what would be packed.

use std::io::Read;

use super::{PackOptions, Packable, writing};
use crate::error::Error;
use crate::pack::{self, Difference, What};
use crate::report::{DifferenceReport, PackVerifyReport, PathField};

impl Packable {
    /// Compares a tar, compressed or not, with this: everything but times and the order. The tar is called `path` in the answer.
    ///
    /// # Errors
    /// [`Error::Verify`] for what is no tar, and for a file of the context that can't be read.
    pub fn verify(
        &self,
        path: PathField,
        tar: &mut dyn Read,
        options: &PackOptions,
    ) -> Result<PackVerifyReport, Error> {
        let found = pack::verify(self, tar, &writing(options))?;
        let differences: Vec<DifferenceReport> = found.into_iter().map(report).collect();
        let equal = differences.is_empty();
        Ok(PackVerifyReport { path, equal, differences, warnings: self.warnings.clone() })
    }
}

fn report(difference: Difference) -> DifferenceReport {
    let message = difference.what.to_string();
    DifferenceReport { path: PathField::new(difference.path), kind: kind(&difference.what), message }
}

/// A short name for programs.
fn kind(what: &What) -> &'static str {
    match what {
        What::Missing => "missing",
        What::Extra => "extra",
        What::Repeated => "repeated",
        What::Type(..) => "type",
        What::Mode(..) => "mode",
        What::Owner(..) => "owner",
        What::Target(..) => "linkname",
        What::HardLink(..) => "hardlink",
        What::Size(..) | What::Content(_) => "content",
        What::Device(..) => "device",
        What::Xattrs(_) => "xattr",
    }
}
