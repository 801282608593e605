//! Documents → standard output, or a file that is replaced at once.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};

use super::interrupt;
use super::options::{Color, Format, OutputArgs};
use crate::error::Error;
use crate::report::{Document, Look, PageReport};

/// Writes `document` where and how the flags say. A reader that has gone away is no error.
pub fn write(document: &impl Document, args: &OutputArgs, nul: bool) -> Result<(), Error> {
    let color = match args.output {
        Some(_) => args.color == Color::Always,
        None => in_color(args.color, &io::stdout()),
    };
    let look = Look { color, width: width(), verbose: args.verbose, nul };
    let render = |out: &mut dyn Write| match args.format {
        Format::Human => document.human(out, &look),
        Format::Json => document.json(out),
        Format::Markdown => document.markdown(out),
        Format::Github => document.github(out),
        Format::Sarif => document.sarif(out),
        Format::Gitlab => document.gitlab(out),
        Format::Names => document.names(out),
        Format::Matrix => document.matrix(out),
        // A page needs more than a document: the verbs that have one write it with `page`.
        Format::Html => Err(io::Error::from(io::ErrorKind::Unsupported)),
    };
    send(args, render)
}

/// Writes a page.
pub fn page(page: &PageReport, args: &OutputArgs) -> Result<(), Error> {
    send(args, |out| page.html(out))
}

/// To a file, or to standard output.
fn send(args: &OutputArgs, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    match &args.output {
        Some(path) => replace(path, render).map_err(|source| Error::write(path, source)),
        None => to_stdout(render),
    }
}

/// Whether a stream gets colour.
pub fn in_color(color: Color, stream: &impl anstream::stream::RawStream) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => AutoStream::choice(stream) != ColorChoice::Never,
    }
}

/// The terminal's width; that of a wide page for pipes and files.
fn width() -> usize {
    if !io::stdout().is_terminal() {
        return 120;
    }
    terminal_size::terminal_size().map_or(100, |(w, _)| usize::from(w.0).max(40))
}

/// Writes to standard output.
pub fn to_stdout(render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match render(&mut out).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(source) => Err(Error::write(Path::new("standard output"), source)),
        Ok(()) => Ok(()),
    }
}

/// As [`replace_file`] for what is written piece by piece.
pub fn replace(path: &Path, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    replace_file(path, |file| {
        let mut out = BufWriter::with_capacity(1 << 16, file);
        render(&mut out).and_then(|()| out.flush())
    })
}

/// Writes a temporary file in the same folder and renames it over `path`. What is no regular file (`/dev/null`, a pipe) is
/// written to directly, since a rename would replace it.
pub fn replace_file<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&File) -> Result<T, E>,
) -> Result<T, E> {
    if path.metadata().is_ok_and(|m| !m.is_file()) {
        return write(&File::options().write(true).open(path)?);
    }
    // A link keeps pointing where it points: the file behind it is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".stowaway-").suffix(".tmp");
    let temporary = builder.permissions(permissions(&path)).tempfile_in(folder)?;
    let name = temporary.path().to_owned();
    interrupt::guard(&name, || {
        let written = write(temporary.as_file())?;
        temporary.persist(&path).map_err(|e| e.error)?;
        Ok(written)
    })
}

/// The mode of the file that is replaced, else what the umask leaves of 0666.
#[cfg(unix)]
fn permissions(path: &Path) -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().map_or_else(|_| std::fs::Permissions::from_mode(0o666), |m| m.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_at_once_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        replace(&path, |out| out.write_all(b"one")).unwrap();
        let failed = replace(&path, |out| {
            out.write_all(b"two")?;
            Err(io::Error::other("stop"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-written stays behind");
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        replace(&path, |out| out.write_all(b"new")).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o640);
    }
}
