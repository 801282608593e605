//! COPY and ADD (`parseCopy`, `parseAdd` of `instructions/parse.go`).

use std::collections::HashMap;

use super::ast::{Copy, Heredoc, SourceContent};
use super::error::Fault;
use super::flags::{Flags, Kind};
use super::gotext::text;
use super::heredoc::{announced, chomp};
use super::node::Node;

/// ADD.
pub(super) fn add(node: &Node) -> Result<Copy, Fault> {
    two_arguments(node, "ADD")?;
    let flags = Flags::parse(
        &node.flags,
        &[
            ("chown", Kind::Text),
            ("chmod", Kind::Text),
            ("link", Kind::Bool),
            ("keep-git-dir", Kind::Bool),
            ("checksum", Kind::Text),
            ("unpack", Kind::Bool),
            ("exclude", Kind::Texts),
        ],
    )?;
    Ok(Copy {
        keep_git_dir: flags.switch("keep-git-dir"),
        checksum: flags.text("checksum").unwrap_or_default(),
        unpack: flags.switch("unpack"),
        ..sources_and_destination(node, &flags, "ADD")?
    })
}

/// COPY.
pub(super) fn copy(node: &Node) -> Result<Copy, Fault> {
    two_arguments(node, "COPY")?;
    let flags = Flags::parse(
        &node.flags,
        &[
            ("chown", Kind::Text),
            ("from", Kind::Text),
            ("chmod", Kind::Text),
            ("link", Kind::Bool),
            ("exclude", Kind::Texts),
            ("parents", Kind::Bool),
        ],
    )?;
    Ok(Copy {
        // An empty one is as good as none.
        from: flags.text("from").filter(|from| !from.is_empty()),
        parents: flags.switch("parents").unwrap_or_default(),
        ..sources_and_destination(node, &flags, "COPY")?
    })
}

fn two_arguments(node: &Node, command: &str) -> Result<(), Fault> {
    if node.args.words.len() >= 2 {
        return Ok(());
    }
    Err(Fault::new(format!(
        "{command} requires at least two arguments, but only one was provided. Destination could not be determined"
    )))
}

/// `parseSourcesAndDest`, with the flags that COPY and ADD share.
fn sources_and_destination(node: &Node, flags: &Flags, command: &str) -> Result<Copy, Fault> {
    let Some((destination, sources)) = node.args.words.split_last() else {
        return two_arguments(node, command).map(|()| Copy::default());
    };
    if matches!(announced(destination), Ok(Some(_))) {
        let reason = format!("{command} cannot accept a heredoc as a destination");
        return Err(Fault::new(reason).at(text(destination)));
    }
    let mut out = Copy {
        destination: text(destination),
        chown: flags.text("chown").unwrap_or_default(),
        chmod: flags.text("chmod").unwrap_or_default(),
        link: flags.switch("link").unwrap_or_default(),
        exclude: flags.texts("exclude"),
        ..Copy::default()
    };
    // Of several here-documents of one name, all sources get the last.
    let heredocs: HashMap<&str, &Heredoc> = node.heredocs.iter().map(|h| (h.name.as_str(), h)).collect();
    for source in sources {
        match announced(source) {
            Ok(Some(heredoc)) => {
                let content = heredocs.get(&*heredoc.name).map_or(&[][..], |h| &h.content);
                let data = if heredoc.chomp { chomp(content) } else { content.to_vec() };
                out.contents.push(SourceContent { path: heredoc.name, data, expand: heredoc.expand });
            }
            _ => out.sources.push(text(source)),
        }
    }
    Ok(out)
}
