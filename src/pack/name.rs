//! How a name fits into ustar's fields, if it does.

/// Bytes of the field `name`, and of `linkname`.
const NAME: usize = 100;
/// Bytes of the field `prefix`.
const PREFIX: usize = 155;

/// A name as ustar's fields hold it; joined with a `/` unless the prefix is empty.
#[derive(Debug, PartialEq, Eq)]
pub struct Split<'a> {
    /// The field `prefix`.
    pub prefix: &'a [u8],
    /// The field `name`.
    pub name: &'a [u8],
}

/// The fields for a name, `None` if it needs a pax record: it is not ASCII (ustar says nothing about other bytes), or there
/// is no `/` where it can be cut.
pub fn split(path: &[u8]) -> Option<Split<'_>> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= NAME {
        return Some(Split { prefix: b"", name: path });
    }
    // The cut that leaves the longest prefix; a directory's last slash belongs to its name.
    let last = (path.len() - 2).min(PREFIX);
    let cut = path[..=last].iter().rposition(|b| *b == b'/').filter(|cut| *cut > 0)?;
    let (prefix, name) = (&path[..cut], &path[cut + 1..]);
    (name.len() <= NAME).then_some(Split { prefix, name })
}

/// The fields for the target of a link; `None` if it needs a pax record.
pub fn link(target: &[u8]) -> Option<&[u8]> {
    (target.is_ascii() && target.len() <= NAME).then_some(target)
}

/// What stands in a field for readers that know no pax records. It never ends with a slash, which would make a file a
/// directory for some.
pub fn shortened(path: &[u8]) -> Vec<u8> {
    let ascii = path.iter().map(|b| if b.is_ascii() { *b } else { b'_' });
    let mut short: Vec<u8> = ascii.take(NAME).collect();
    while short.last() == Some(&b'/') {
        short.pop();
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(parts: &[usize]) -> Vec<u8> {
        parts.iter().map(|n| vec![b'a'; *n]).collect::<Vec<_>>().join(&b'/')
    }

    /// Every way to cut, tried one by one.
    fn can_be_cut(path: &[u8]) -> bool {
        let whole = path.len() <= NAME;
        let cuts = (1..path.len().saturating_sub(1)).filter(|i| path[*i] == b'/');
        path.is_ascii() && (whole || cuts.into_iter().any(|i| i <= PREFIX && path.len() - i - 1 <= NAME))
    }

    #[test]
    fn a_name_is_cut_wherever_it_can_be() {
        let lengths = [1, 54, 98, 99, 100, 101, 153, 154, 155, 156, 157, 255, 256];
        let mut cut = 0;
        for a in lengths {
            for b in lengths {
                for path in [name(&[a]), name(&[a, b]), name(&[1, a, b]), name(&[a, b, 1]), name(&[a, b, 0])]
                {
                    let split = split(&path);
                    assert_eq!(split.is_some(), can_be_cut(&path), "{} {a} {b}", path.len());
                    let Some(Split { prefix, name }) = split else { continue };
                    cut += usize::from(!prefix.is_empty());
                    assert!(
                        name.len() <= NAME
                            && prefix.len() <= PREFIX
                            && name.len() > usize::from(path.ends_with(b"/"))
                    );
                    let joined =
                        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() };
                    assert_eq!(joined, path);
                }
            }
        }
        assert!(cut > 100, "{cut}");
    }

    #[test]
    fn the_longest_name_that_fits_has_256_bytes() {
        assert!(split(&name(&[155, 100])).is_some());
        assert!(split(&name(&[155, 101])).is_none() && split(&name(&[156, 100])).is_none());
    }

    #[test]
    fn what_is_not_ascii_needs_a_record() {
        assert!(split("ä".as_bytes()).is_none() && link(b"\xff").is_none() && link(b"a").is_some());
        assert!(link(&[b'a'; 100]).is_some() && link(&[b'a'; 101]).is_none());
    }

    #[test]
    fn a_shortened_name_is_never_that_of_a_directory() {
        assert_eq!(shortened(&name(&[99, 30])), name(&[99]));
        assert_eq!(shortened("ä/b".as_bytes()), b"__/b");
    }
}
