//! Trees over trees: image layers (containerd's `archive.Apply` on overlayfs) and MergeOp (`snapshot/diffapply_linux.go`).

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::decompress::decompress;
use super::disk::{Disk, file_stat, lookup};
use super::error::{ApplyError, Errno};
use super::rootpath::root_path;
use super::spool::Spool;
use super::tar::{Archive, Header};
use super::unpack::make;
use crate::cache::tree::{Content, FileTree, Node};
use crate::digest::{Algorithm, Digest};
use crate::entry::FileType;
use crate::gopath;
use crate::image::{Image, ImageError, Layer};

pub(super) const WHITEOUT: &[u8] = b".wh.";
pub(super) const OPAQUE: &[u8] = b".wh..wh..opq";

/// Lays trees over each other, the first at the bottom (MergeOp, which `--link` makes).
///
/// Folders unite and take owner, mode and xattrs from the upper one; everything else is replaced.
pub fn merge(inputs: &[&FileTree]) -> FileTree {
    let Some((first, rest)) = inputs.split_first() else { return FileTree::scratch() };
    rest.iter().fold((*first).clone(), |lower, upper| lay_over(&lower, upper, &HashSet::new(), false))
}

/// The tree that an image's layers make together.
///
/// # Errors
/// [`ImageError`] when a layer isn't on disk, is damaged, or can't be unpacked.
pub fn image_tree(image: &Image) -> Result<FileTree, ImageError> {
    let Some(layers) = &image.layers else {
        let what = "at least one layer".into();
        return Err(ImageError::Missing { path: image.name.clone().into(), what, hint: String::new() });
    };
    let mut shown = FileTree::scratch();
    let mut uppers = Vec::with_capacity(layers.len());
    for layer in layers {
        let (upper, opaque) = read_layer(&uppers, layer)?;
        shown = if uppers.is_empty() { upper.clone() } else { lay_over(&shown, &upper, &opaque, true) };
        uppers.push(upper);
    }
    Ok(shown)
}

/// Reads a layer to its end, and checks its digest. Gives what the layer holds, and its opaque folders.
fn read_layer(lowers: &[FileTree], layer: &Layer) -> Result<(FileTree, HashSet<Vec<u8>>), ImageError> {
    let failed = |source| ImageError::Read { path: layer.path.clone(), source };
    let broken = |why: String| ImageError::Layer { path: layer.path.clone(), why };
    let mut hashed = Hashed { inner: File::open(&layer.path).map_err(failed)?, hash: Sha256::new() };
    let stream = decompress(Box::new(&mut hashed)).map_err(|e| broken(e.to_string()))?;
    let applied = Upper::read(lowers, stream);
    io::copy(&mut hashed, &mut io::sink()).map_err(failed)?;
    let found = Digest { algorithm: Algorithm::Sha256, bytes: hashed.hash.finalize().into() };
    if let Some(expected) = layer.digest.filter(|d| *d != found) {
        return Err(ImageError::Digest { path: layer.path.clone(), expected, found });
    }
    let upper = applied.map_err(|e| broken(e.to_string()))?;
    Ok((upper.disk.tree, upper.opaque))
}

struct Hashed {
    inner: File,
    hash: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.hash.update(&buf[..n]);
        Ok(n)
    }
}

/// What one layer holds: the upper folder of overlayfs. A whiteout is the character device 0:0.
struct Upper<'l> {
    /// The layers below, each alone, the lowest first.
    lowers: &'l [FileTree],
    disk: Disk,
    opaque: HashSet<Vec<u8>>,
    /// Paths that this layer has written, as far as they matter for a first layer's opaque folders.
    written: HashSet<Vec<u8>>,
}

impl<'l> Upper<'l> {
    fn read(lowers: &'l [FileTree], stream: impl Read) -> Result<Self, ApplyError> {
        let spooling = |e| ApplyError::read("unpacking to a temporary file", e);
        let mut upper = Self {
            lowers,
            disk: Disk::mount(FileTree::scratch()),
            opaque: HashSet::new(),
            written: HashSet::new(),
        };
        let mut spool = Spool::new().map_err(spooling)?;
        let mut archive = Archive::new(stream);
        let mut folders = Vec::new();
        let broken = |e: super::tar::TarError| ApplyError::fails("bad-layer", e.to_string());
        while let Some(mut header) = archive.next().map_err(broken)? {
            header.name = gopath::clean(&header.name);
            let made = upper.apply(&header, &mut archive, &mut spool)?;
            if made && header.kind == b'5' {
                folders.push(header.name);
            }
        }
        // Times of folders are set last, which fails for one that is gone by then.
        for name in folders {
            let path = root_path(&upper.disk.tree, &name)?;
            upper.disk.lstat(&path).map_err(|e| e.at("utimes", &path))?;
        }
        spool.finish().map_err(spooling)?;
        Ok(upper)
    }

    /// Takes an entry over; false when it leaves no file.
    fn apply(
        &mut self,
        header: &Header,
        archive: &mut Archive<impl Read>,
        spool: &mut Spool,
    ) -> Result<bool, ApplyError> {
        let cut = header.name.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1);
        let parent = root_path(&self.disk.tree, &header.name[..cut])?;
        let path = gopath::join(&[&parent, &gopath::join(&[b"/", &header.name[cut..]])]);
        if path == b"/" {
            return Ok(false);
        }
        self.make_parent(&parent)?;
        if self.whiteout(&path, &parent)? {
            return Ok(false);
        }
        if let Ok(there) = self.disk.lstat(&path)
            && !(there.is_dir() && header.kind == b'5')
        {
            self.disk.remove_all(&path).map_err(|e| e.at("unlinkat", &path))?;
            self.opaque.retain(|folder| *folder != path && !is_below(folder, &path));
        }
        if header.kind == b'g' {
            return Ok(false);
        }
        let target = self.link_target(header)?;
        make(&mut self.disk, &path, header, &target, archive, spool)?;
        self.own(&path, header)?;
        self.written.insert(path);
        Ok(true)
    }

    /// `hardlinkRootPath`: only what the layer itself has can be linked to.
    fn link_target(&self, header: &Header) -> Result<Vec<u8>, ApplyError> {
        if header.kind != b'1' {
            return Ok(Vec::new());
        }
        let cut = header.linkname.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1);
        let parent = root_path(&self.disk.tree, &header.linkname[..cut])?;
        Ok(gopath::join(&[&parent, &header.linkname[cut..]]))
    }

    /// `mkparent`: a folder without an entry is as in the first layer below that has it, each looked at alone; else 0755.
    fn make_parent(&mut self, folder: &[u8]) -> Result<(), ApplyError> {
        match self.disk.lstat(folder) {
            Ok(stat) if stat.is_dir() => return Ok(()),
            Ok(_) => return Err(Errno::NotDir.at("mkparent", folder)),
            Err(Errno::NoEntry) => {}
            Err(error) => return Err(error.at("lstat", folder)),
        }
        self.make_parent(&gopath::dir(folder))?;
        self.disk.mkdir(folder, 0o755).map_err(|e| e.at("mkdir", folder))?;
        self.disk.chmod(folder, 0o755).map_err(|e| e.at("chmod", folder))?;
        for lower in self.lowers.iter().rev() {
            let resolved = root_path(lower, folder)?;
            let stat = match lookup(lower, &resolved, false, false) {
                Ok((_, node)) if node.stat.is_dir() => node.stat.clone(),
                Ok(_) => break,
                Err(Errno::NoEntry) => continue,
                Err(error) => return Err(error.at("lstat", &resolved)),
            };
            let copied = self.disk.change(folder, false, |node| node.stat = stat.clone());
            return copied.map_err(|e| e.at("lchown", folder));
        }
        Ok(())
    }

    /// Handles the entries that take something away; true for those.
    fn whiteout(&mut self, path: &[u8], parent: &[u8]) -> Result<bool, ApplyError> {
        let name = gopath::base(path);
        if name == OPAQUE {
            if self.lowers.is_empty() {
                self.clear_unwritten(parent)?;
            } else {
                self.opaque.insert(parent.to_vec());
            }
            return Ok(true);
        }
        let Some(hidden) = name.strip_prefix(WHITEOUT) else { return Ok(false) };
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(ApplyError::fails("bad-layer", format!("invalid whiteout name: {:?}", lossy(name))));
        }
        let hidden = gopath::join(&[parent, hidden]);
        if self.lowers.is_empty() {
            self.disk.remove_all(&hidden).map_err(|e| e.at("unlinkat", &hidden))?;
        } else {
            let mut node = Node::file(file_stat(0, 0), Content::Empty);
            node.stat.file_type = FileType::CharDevice;
            self.disk.create(&hidden, node).map_err(|e| {
                let text = format!("failed to convert whiteout file {:?}: {e}", lossy(path));
                ApplyError::fails("bad-layer", text)
            })?;
        }
        Ok(true)
    }

    /// An opaque folder in a first layer: what earlier entries didn't write goes (only folders without an entry can be).
    fn clear_unwritten(&mut self, folder: &[u8]) -> Result<(), ApplyError> {
        let Some(node) = self.disk.tree.get(folder) else {
            return Err(Errno::NoEntry.at("lstat", folder));
        };
        let children: Vec<Vec<u8>> = node.entries().map(|(name, _)| gopath::join(&[folder, name])).collect();
        for child in children {
            if self.written.contains(&child) {
                if self.disk.lstat(&child).is_ok_and(|s| s.is_dir()) {
                    self.clear_unwritten(&child)?;
                }
            } else {
                self.disk.remove_all(&child).map_err(|e| e.at("unlinkat", &child))?;
            }
        }
        Ok(())
    }

    /// Owner, xattrs and mode, as the entry says.
    fn own(&mut self, path: &[u8], header: &Header) -> Result<(), ApplyError> {
        let failed = |e: Errno| e.at("lchown", path);
        // `lchown` takes the lower 32 bits.
        self.disk.lchown(path, header.uid as u32, header.gid as u32).map_err(failed)?;
        for (name, value) in header.xattrs() {
            if name.starts_with(b"trusted.") {
                continue;
            }
            match self.disk.set_tar_xattr(path, name, value) {
                Ok(()) | Err(Errno::NotSupported) => {}
                Err(Errno::NotPermitted) if name.starts_with(b"user.") => {}
                Err(e) => {
                    let text = format!("failed to setxattr {:?} for key {:?}: {e}", lossy(path), lossy(name));
                    return Err(ApplyError::fails("bad-layer", text));
                }
            }
        }
        if self.disk.lstat(path).is_ok_and(|s| s.file_type != FileType::Symlink) {
            self.disk.chmod(path, (header.mode & 0o7777) as u16).map_err(failed)?;
        }
        Ok(())
    }
}

fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}

fn lossy(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// What overlayfs shows. The paths in `opaque` hide the lower folder's entries, and with `whiteouts` a character device 0:0
/// hides the lower file.
fn lay_over(lower: &FileTree, upper: &FileTree, opaque: &HashSet<Vec<u8>>, whiteouts: bool) -> FileTree {
    let layers = Overlay { opaque, whiteouts };
    let lower = Arc::new(lower.root().clone());
    let mut root = layers.lay(Some(&lower), &Arc::new(upper.root().clone()), b"/");
    // The root's xattrs don't show through the mount of a new snapshot.
    Arc::make_mut(&mut root).stat.extra = None;
    FileTree::new(Arc::unwrap_or_clone(root))
}

struct Overlay<'o> {
    opaque: &'o HashSet<Vec<u8>>,
    whiteouts: bool,
}

impl Overlay<'_> {
    fn lay(&self, lower: Option<&Arc<Node>>, upper: &Arc<Node>, path: &[u8]) -> Arc<Node> {
        if !upper.stat.is_dir() {
            return upper.clone();
        }
        let hides = path != b"/" && self.opaque.contains(path);
        let lower = lower.filter(|l| l.stat.is_dir() && !hides);
        if !self.whiteouts && lower.is_none_or(|l| l.is_empty()) {
            return upper.clone();
        }
        let mut out = lower.map_or_else(|| Node::folder(upper.stat.clone()), |l| (**l).clone());
        out.stat = upper.stat.clone();
        for (name, node) in upper.shared() {
            if self.whiteouts && node.stat.file_type == FileType::CharDevice && node.stat.device() == (0, 0) {
                out.remove(name);
                continue;
            }
            let below = out.shared_entry(name).cloned();
            let laid = self.lay(below.as_ref(), node, &gopath::join(&[path, name]));
            out.insert_shared(name.clone(), laid);
        }
        Arc::new(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::apply::testing::{archive, show, text, tree};
    use std::io::Write;

    fn layer(entries: &[&str]) -> (tempfile::TempPath, Layer) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let bytes = archive(entries);
        file.write_all(&bytes).unwrap();
        let path = file.into_temp_path();
        let layer = Layer {
            path: path.to_path_buf(),
            media_type: "application/vnd.oci.image.layer.v1.tar".into(),
            digest: Some(Digest::sha256(&bytes)),
        };
        (path, layer)
    }

    fn unpacked(layers: &[&[&str]]) -> Result<Vec<String>, String> {
        let (_keep, layers): (Vec<_>, Vec<_>) = layers.iter().map(|l| layer(l)).unzip();
        let image = Image {
            name: "base".into(),
            root_digest: None,
            config: crate::image::ImageConfig::default(),
            layers: Some(layers),
        };
        image_tree(&image).map(|t| show(&t)).map_err(|e| e.to_string())
    }

    #[test]
    fn whiteouts_and_opaque_folders_hide_what_is_below() {
        let base = &["a/", "a/x", "a/y", "b/", "b/z", "c"][..];
        let shown = unpacked(&[base, &["a/.wh.x", "b/.wh..wh..opq", "b/n", ".wh.c"]]).unwrap();
        assert_eq!(shown, ["a/", "a/y = a/y", "b/", "b/n = b/n"]);
    }

    #[test]
    fn a_folder_without_an_entry_is_as_in_the_layer_below() {
        let shown = unpacked(&[&["a/ @0711,3:4"], &["a/x", "n/y"]]).unwrap();
        assert_eq!(shown, ["a/ @0711,3:4", "a/x = a/x", "n/", "n/y = n/y"]);
    }

    #[test]
    fn a_folder_without_an_entry_inherits_the_group_but_not_the_bit() {
        let shown = unpacked(&[&["g/ @2775,0:50", "g/n/x"]]).unwrap();
        assert_eq!(shown, ["g/ @2775,0:50", "g/n/ @0755,0:50", "g/n/x = g/n/x"]);
    }

    #[test]
    fn a_folder_that_is_replaced_later_fails_the_layer() {
        let error = unpacked(&[&["a/", "a/b/", "a"]]).unwrap_err();
        assert!(error.ends_with("lstat /a/b: not a directory"), "{error}");
    }

    #[test]
    fn a_folder_hides_a_link_of_a_lower_layer() {
        let shown = unpacked(&[&["usr/", "usr/lib/", "lib -> usr/lib"], &["lib/x"]]).unwrap();
        assert_eq!(shown, ["lib/", "lib/x = lib/x", "usr/", "usr/lib/"]);
    }

    #[test]
    fn hard_links_reach_what_the_layer_itself_has() {
        let shown = unpacked(&[&["a", "b => a @0600,1:1"]]).unwrap();
        assert_eq!(shown, ["a = a @0600,1:1", "b = a @0600,1:1"]);
        let error = unpacked(&[&["a"], &["b => a"]]).unwrap_err();
        assert!(error.ends_with("link /a /b: no such file or directory"), "{error}");
    }

    #[test]
    fn a_damaged_layer_is_refused() {
        let (_keep, mut layer) = layer(&["a"]);
        layer.digest = Some(Digest::sha256(b"other"));
        assert!(matches!(read_layer(&[], &layer), Err(ImageError::Digest { .. })));
    }

    #[test]
    fn contents_outlive_the_layer() {
        let (keep, layer) = layer(&["a = hello"]);
        let (tree, _) = read_layer(&[], &layer).unwrap();
        drop(keep);
        assert_eq!(text(&tree.get(b"a").unwrap().content), "hello");
    }

    #[test]
    fn merged_folders_take_the_upper_ones_metadata() {
        let base = tree(&["d/ @1777,1:1", "d/a", "e/", "l -> e"]);
        let upper = tree(&["d/", "d/b", "l/", "l/x"]);
        assert_eq!(show(&merge(&[&base, &upper])), ["d/", "d/a = d/a", "d/b = d/b", "e/", "l/", "l/x = l/x"]);
    }
}
