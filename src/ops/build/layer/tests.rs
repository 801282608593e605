use super::*;

const LENGTH: usize = 3 << 20;

fn context() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let long: Vec<u8> = (0..LENGTH).map(|n| (n % 251) as u8).collect();
    fs::write(folder.path().join("a"), long).unwrap();
    fs::write(folder.path().join("b"), "text").unwrap();
    folder
}

fn request(folder: &Path, index: Option<&Path>) -> Request {
    Request { context: folder.into(), index: index.map(Into::into), ..Request::default() }
}

fn layered(folder: &Path) -> Layered {
    Layered::new(made(&request(folder, None), None, &AtomicBool::new(false)).unwrap())
}

fn blob(of: &Layered, at: usize) -> (BlobDigest, usize) {
    let blob = of.image.blobs()[at];
    (BlobDigest::parse(&blob.digest.to_string()).unwrap(), usize::try_from(blob.size).unwrap())
}

/// Reads in pieces, as an engine does.
fn read(of: &Layered, at: usize, piece: usize) -> io::Result<Vec<u8>> {
    let (digest, size) = blob(of, at);
    let mut out = vec![0; size];
    let mut offset = 0;
    for part in out.chunks_mut(piece) {
        of.read_exact_at(&digest, part, offset)?;
        offset += part.len() as u64;
    }
    Ok(out)
}

#[test]
fn an_engine_reads_the_layer_in_pieces_from_one_packing() {
    let folder = context();
    let layered = layered(folder.path());
    for at in 0..3 {
        let bytes = read(&layered, at, 100_000).unwrap();
        assert_eq!(Digest::sha256(bytes).to_string(), blob(&layered, at).0.to_string());
    }
    assert_eq!(layered.reading.lock().unwrap().starts, 1);
    assert_eq!(layered.trouble(), None);
}

#[test]
fn parts_may_be_passed_over_and_read_again() {
    let folder = context();
    let layered = layered(folder.path());
    let whole = read(&layered, 2, LENGTH).unwrap();
    let mut part = [0; 1000];
    for offset in [2_000_000, 2_500_000, 10] {
        layered.read_exact_at(&blob(&layered, 2).0, &mut part, offset as u64).unwrap();
        assert_eq!(part, whole[offset..offset + 1000], "{offset}");
    }
    assert_eq!(layered.reading.lock().unwrap().starts, 3);
}

#[test]
fn nobody_reads_from_the_beginning_again_and_again() {
    let folder = context();
    let layered = layered(folder.path());
    let mut part = [0; 10];
    for _ in 0..MOST_STARTS {
        layered.read_exact_at(&blob(&layered, 2).0, &mut part, 0).unwrap();
    }
    let error = layered.read_exact_at(&blob(&layered, 2).0, &mut part, 0).unwrap_err();
    assert_eq!(error.to_string(), "the context can't be sent: it was read too often");
}

#[test]
fn nothing_else_is_given() {
    let folder = context();
    let layered = layered(folder.path());
    let other = BlobDigest::parse(&Digest::sha256("other").to_string()).unwrap();
    let same_hex = BlobDigest::parse(&format!("sha512:{}", "0".repeat(128))).unwrap();
    let mut part = [0; 10];
    for digest in [&other, &same_hex] {
        assert_eq!(layered.size(digest), None);
        assert!(layered.read_exact_at(digest, &mut part, 0).is_err());
    }
    for at in 0..3 {
        let (digest, size) = blob(&layered, at);
        for offset in [size as u64 - 5, u64::MAX - 20] {
            assert!(layered.read_exact_at(&digest, &mut part, offset).is_err(), "{at} {offset}");
        }
    }
}

#[test]
fn a_context_that_changes_meanwhile_is_never_sent_to_its_end() {
    for (change, named) in [("longer text", true), ("tex2", true)] {
        let folder = context();
        let layered = layered(folder.path());
        fs::write(folder.path().join("b"), change).unwrap();
        let error = read(&layered, 2, 100_000).unwrap_err().to_string();
        assert_eq!(error.contains("has changed since it was looked at: `b`"), named, "{error}");
        assert_eq!(layered.trouble(), Some(error));
    }
    let folder = context();
    let layered = layered(folder.path());
    fs::remove_file(folder.path().join("b")).unwrap();
    assert!(read(&layered, 2, 100_000).unwrap_err().to_string().contains("`b`"));
}

#[test]
fn a_remembered_layer_is_that_of_the_same_state() {
    let (folder, index, records) = (context(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::thread::sleep(crate::index::GRAIN + std::time::Duration::from_millis(200));
    let request = request(folder.path(), Some(index.path()));
    let place = Place::of(records.path(), &request);
    let image = || made(&request, Some(&place), &AtomicBool::new(false)).unwrap();
    let first = image();
    assert_eq!(image().digest(), first.digest());
    let text = fs::read_to_string(&place.0).unwrap();
    // What was remembered is believed: nothing is packed.
    let other = Digest::sha256("other").to_string();
    fs::write(&place.0, text.replace(&first.blobs()[2].digest.to_string(), &other)).unwrap();
    assert_eq!(image().blobs()[2].digest.to_string(), other);
    fs::create_dir(folder.path().join("new")).unwrap();
    assert_ne!(image().blobs()[2].digest.to_string(), other, "a new folder is another state");
    for broken in ["", "{}", "nonsense", &text.replace("sha256:", "blake3:")] {
        fs::write(&place.0, broken).unwrap();
        assert!(place.recall(Digest::sha256("state")).is_none(), "{broken}");
    }
}

#[test]
fn a_name_that_would_remove_a_file_is_refused() {
    let folder = context();
    fs::write(folder.path().join(".wh.a"), "").unwrap();
    let error = made(&request(folder.path(), None), None, &AtomicBool::new(false)).unwrap_err();
    assert!(error.to_string().contains("`.wh.a` can't be sent in an image"), "{error}");
}

#[test]
fn packing_ends_when_nobody_waits() {
    let folder = context();
    assert!(made(&request(folder.path(), None), None, &AtomicBool::new(true)).is_err());
}
