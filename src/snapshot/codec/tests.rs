//! Whatever can be written comes back; whatever is not what was written is refused.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::buildkit::Version;
use crate::cache::{Remembered, RememberedLink, RememberedRecord};
use crate::digest::{Algorithm, Digest};
use crate::entry::{ContextPath, Entry, Extra, FileType, Stat};
use crate::snapshot::{
    ContentState, Failure, Field, IgnoreRules, InputState, Picked, PickedFiles, SourceState, StageFileState,
    StepState, Subject, Variable, VertexKind, VertexState,
};

fn digest(name: &str) -> Digest {
    Digest::sha256(name)
}

fn stat(file_type: FileType, mode: u16, size: u64) -> Stat {
    Stat { file_type, mode, uid: 0, gid: 0, size, mtime_ns: 1_700_000_000_123_456_789, extra: None }
}

fn entry(path: &str, stat: Stat) -> Entry {
    Entry { path: ContextPath::new(path.as_bytes()).unwrap(), stat, hardlink: None }
}

/// A snapshot with something in every place. It must never change: `fixtures/snapshot` holds its bytes.
fn sample() -> Snapshot {
    let link = Extra {
        linkname: b"a".to_vec(),
        xattrs: vec![(b"user.x".to_vec(), vec![0, 255])],
        ..Extra::default()
    };
    let device = Extra { devmajor: 5, devminor: 1, inode: Some((7, 1 << 40)), ..Extra::default() };
    let entries = vec![
        entry("a", stat(FileType::File, 0o644, 6)),
        entry("d", Stat { mtime_ns: -1, ..stat(FileType::Dir, 0o4755, 0) }),
        entry("d/link", Stat { extra: Some(Box::new(link)), ..stat(FileType::Symlink, 0o777, 1) }),
        entry(
            "d/null",
            Stat { extra: Some(Box::new(device)), uid: 1, gid: 2, ..stat(FileType::CharDevice, 0o666, 0) },
        ),
        Entry {
            hardlink: Some(ContextPath::new(&b"a"[..]).unwrap()),
            ..entry("d/same", stat(FileType::File, 0o644, 6))
        },
    ];
    let contents = vec![Some(Digest::blake3("alpha\n")), None, None, None, Some(Digest::blake3("alpha\n"))];
    let source =
        SourceState { name: "context".into(), local: "context".into(), entries, contents, has_times: true };
    let picked = vec![
        Picked {
            digest: digest("picked"),
            files: PickedFiles::Local { source: 0, entries: vec![0..1, 2..5] },
        },
        Picked {
            digest: digest("other"),
            files: PickedFiles::Stage(vec![
                StageFileState { path: Vec::new(), digest: digest("root") },
                StageFileState { path: b"opt/${DIR}".to_vec(), digest: digest("file") },
            ]),
        },
    ];
    let image = VertexState {
        kind: VertexKind::Image,
        records: vec![0, 1],
        open: vec!["the manifest digest is not known".into()],
        fields: vec![Field { name: "reference".into(), digest: Digest::blake3("alpine") }],
        ..VertexState::default()
    };
    let input = |vertex, content| InputState { vertex, selector: Some(digest("selector")), content };
    let copy = VertexState {
        kind: VertexKind::File,
        records: vec![3],
        inputs: vec![
            input(0, ContentState::Open("the output of [1/2] RUN make".into())),
            InputState {
                vertex: 1,
                selector: None,
                content: ContentState::Known { record: digest("content"), picked },
            },
            input(1, ContentState::Failed),
            InputState::default(),
        ],
        ignore_cache: true,
        ..VertexState::default()
    };
    let record = |name: &str, inputs, flags: [bool; 3]| RememberedRecord {
        digest: digest(name),
        inputs,
        result: flags[0],
        partial: flags[1],
        stand_in: flags[2],
    };
    let links = vec![
        vec![
            RememberedLink { record: 0, selector: Some(digest("s")) },
            RememberedLink { record: 2, selector: None },
        ],
        vec![],
    ];
    let variable =
        Variable { name: "V".into(), argument: true, line: Some(1), value: Some(Digest::blake3("1")) };
    let path = Variable { name: "PATH".into(), argument: false, line: None, value: None };
    let step = |line: usize, vertex: usize, text: &str| StepState {
        name: format!("[{line}/2] {text}"),
        stage: "build".into(),
        line,
        end_line: line + 1,
        instruction: text.split(' ').next().unwrap_or_default().into(),
        text: text.into(),
        vertex,
        variables: vec![variable.clone(), path.clone()],
    };
    Snapshot {
        buildkit: Version::FIRST,
        subject: Subject {
            tool: "stowaway 0.1.0".into(),
            taken: Some(1_700_000_000),
            context: b"/home/\xff/app".to_vec(),
            dockerfile: "Dockerfile".into(),
            target: "build".into(),
            platform: "linux/amd64".into(),
            revision: Some("0123456789abcdef0123456789abcdef01234567".into()),
        },
        arguments: [("V".to_owned(), Digest::blake3("1"))].into(),
        ignore_files: [
            (
                "context".to_owned(),
                IgnoreRules { name: Some(".dockerignore".into()), bytes: b"*.md\n".to_vec() },
            ),
            ("other".to_owned(), IgnoreRules::default()),
        ]
        .into(),
        sources: vec![source],
        vertices: vec![image, VertexState::default(), copy],
        steps: vec![step(1, 0, "FROM alpine"), step(2, 2, "COPY a d /x/")],
        target: Some(2),
        remembered: Remembered {
            records: vec![
                record("key", vec![], [true, false, false]),
                record("chain", vec![], [true, false, true]),
                record("content", vec![], [false, false, false]),
                record("copy", links, [true, true, false]),
            ],
        },
        failures: vec![
            Failure {
                step: Some(1),
                code: "copy-source-missing".into(),
                message: "gone".into(),
                path: b"x\xfe".to_vec(),
            },
            Failure { step: None, code: "ignore-file".into(), message: String::new(), path: Vec::new() },
        ],
    }
}

const GOLDEN: &[u8] = include_bytes!("../../../fixtures/snapshot/v1.snapshot");

#[test]
fn a_file_of_version_1_is_read_for_ever() {
    assert_eq!(decode(GOLDEN).unwrap(), sample());
}

#[test]
fn the_payload_of_version_1_does_not_change_by_itself() {
    let header = Header::read(GOLDEN).unwrap();
    assert_eq!(unpack(&GOLDEN[HEADER..], header.payload).unwrap(), payload(&sample()));
}

#[test]
fn equal_snapshots_are_equal_bytes() {
    assert_eq!(encode(&sample()), encode(&sample()));
    assert_eq!(decode(&encode(&sample())).unwrap(), sample());
    assert_eq!(decode(&encode(&Snapshot::default())).unwrap(), Snapshot::default());
}

#[test]
fn every_shorter_file_is_refused() {
    let bytes = encode(&sample());
    for length in 1..bytes.len() {
        let error = decode(&bytes[..length]).unwrap_err();
        assert!(matches!(error, FormatError::Cut { .. }), "{length}: {error}");
    }
    assert!(matches!(decode(b""), Err(FormatError::Foreign)));
    let last = decode(&bytes[..bytes.len() - 1]).unwrap_err().to_string();
    assert_eq!(last, format!("cut short: {} of {} bytes are there", bytes.len() - 1, bytes.len()));
}

#[test]
fn every_changed_byte_is_noticed() {
    let mut bytes = encode(&sample());
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            bytes[at] ^= flip;
            assert!(decode(&bytes).is_err(), "byte {at} ^ {flip}");
            bytes[at] ^= flip;
        }
    }
    bytes.push(0);
    assert!(matches!(decode(&bytes), Err(FormatError::Damaged("something stands behind its end"))));
}

#[test]
fn a_newer_file_and_a_foreign_one_say_what_they_are() {
    let mut bytes = encode(&sample());
    bytes[MAGIC.len()] = 2;
    let text = "written by a newer stowaway (format 2; this one reads up to 1)";
    assert_eq!(decode(&bytes).unwrap_err().to_string(), text);
    // Whatever else a newer format has.
    assert_eq!(decode(&bytes[..20]).unwrap_err().to_string(), text);
    for foreign in [&b"{}"[..], b"stowaway cache\n", b"\x28\xb5\x2f\xfd"] {
        assert_eq!(decode(foreign).unwrap_err().to_string(), "not a snapshot of stowaway");
    }
}

/// A file around any payload, with the right checksum.
fn file(payload: &[u8], claimed: u64) -> Vec<u8> {
    let packed = pack(payload).unwrap();
    let mut out = Header::write(claimed, &packed);
    out.extend(packed);
    out
}

#[test]
fn a_length_that_is_a_lie_takes_no_memory() {
    let payload = payload(&sample());
    let refused = |claimed| decode(&file(&payload, claimed)).unwrap_err().to_string();
    assert_eq!(
        refused(u64::MAX),
        "not a snapshot that makes sense: it takes more memory than a file of its size may"
    );
    assert_eq!(refused(1 << 27), "not a snapshot that makes sense: the compression can't be");
    assert_eq!(
        refused(payload.len() as u64 - 1),
        "not a snapshot that makes sense: the compression can't be"
    );
    // A section that says it has 2^60 vertices.
    let mut out = Writer::default();
    section(&mut out, 5, |out| out.number(1 << 60));
    assert!(decode(&file(&out.0, out.0.len() as u64)).is_err());
    // A vertex of a few bytes is a hundred in memory.
    let bomb = vec![0u8; 8 << 20];
    let mut out = Writer::default();
    section(&mut out, 5, |out| {
        out.size(bomb.len());
        out.0.extend_from_slice(&bomb);
    });
    let error = decode(&file(&out.0, out.0.len() as u64)).unwrap_err();
    assert!(matches!(error, FormatError::Malformed(Malformed::TooLarge)), "{error}");
}

#[test]
fn a_section_of_a_later_day_is_passed_over() {
    let mut payload = payload(&sample());
    let mut out = Writer(std::mem::take(&mut payload));
    section(&mut out, 77, |out| out.text("from the future"));
    assert_eq!(decode(&file(&out.0, out.0.len() as u64)).unwrap(), sample());
}

type Change = fn(&mut Snapshot);

#[test]
fn places_that_point_nowhere_are_refused() {
    let changes: [(&str, Change); 8] = [
        ("a vertex's record", |s| s.vertices[0].records.push(4)),
        ("an input's vertex", |s| s.vertices[2].inputs[0].vertex = 2),
        ("a record's link", |s| s.remembered.records[3].inputs[0][0].record = 9),
        ("a step's vertex", |s| s.steps[0].vertex = 3),
        ("the target's vertex", |s| s.target = Some(3)),
        ("a failure's step", |s| s.failures[0].step = Some(2)),
        ("a range of entries", |s| s.sources[0].entries.truncate(4)),
        ("a range of entries", |s| s.sources.clear()),
    ];
    for (what, change) in changes {
        let mut snapshot = sample();
        change(&mut snapshot);
        snapshot.sources.iter_mut().for_each(|s| s.contents.truncate(s.entries.len()));
        let error = decode(&encode(&snapshot)).unwrap_err().to_string();
        assert_eq!(error, format!("not a snapshot that makes sense: {what} can't be"));
    }
}

/// Files of a large repository: digests and times that nothing foretells.
fn large(files: usize) -> Snapshot {
    let mut random = fastrand::Rng::with_seed(7);
    let mut digest = |algorithm| Digest { algorithm, bytes: std::array::from_fn(|_| random.u8(..)) };
    let mut times = fastrand::Rng::with_seed(8);
    let mut source =
        SourceState { name: "context".into(), local: "context".into(), ..SourceState::default() };
    for i in 0..files {
        let path = format!("packages/package-{:03}/src/components/Component{i:06}.tsx", i / 300);
        let mut stat = stat(FileType::File, 0o644, times.u64(..40_000));
        stat.mtime_ns += times.i64(..60_000_000_000);
        source.entries.push(entry(&path, stat));
        source.contents.push(Some(digest(Algorithm::Blake3)));
    }
    let file =
        |e: &Entry| StageFileState { path: e.path.as_bytes().to_vec(), digest: digest(Algorithm::Sha256) };
    let files = PickedFiles::Stage(source.entries.iter().map(file).collect());
    let picked = |files| InputState {
        content: ContentState::Known {
            record: super::tests::digest("x"),
            picked: vec![Picked { digest: super::tests::digest("y"), files }],
        },
        ..InputState::default()
    };
    // Two stages take the same files.
    let inputs = vec![picked(files.clone()), picked(files)];
    let vertices = vec![VertexState::default(), VertexState { inputs, ..VertexState::default() }];
    Snapshot { sources: vec![source], vertices, ..Snapshot::default() }
}

#[test]
fn a_hundred_thousand_files_take_less_than_ten_megabytes() {
    let snapshot = large(100_000);
    let bytes = encode(&snapshot);
    assert!(bytes.len() < 10_000_000, "{} bytes", bytes.len());
    assert!(decode(&bytes).unwrap() == snapshot, "it comes back");
}

prop_compose! {
    fn any_digest()(bytes: [u8; 32], sha256: bool) -> Digest {
        Digest { algorithm: if sha256 { Algorithm::Sha256 } else { Algorithm::Blake3 }, bytes }
    }
}

fn any_path() -> impl Strategy<Value = ContextPath> {
    "[a-c]{1,3}(/[a-c]{1,3}){0,3}".prop_map(|p| ContextPath::new(p.into_bytes()).unwrap())
}

fn any_type() -> impl Strategy<Value = FileType> {
    use FileType::{BlockDevice, CharDevice, Dir, Fifo, File, Socket, Symlink};
    prop::sample::select(vec![File, Dir, Symlink, Fifo, Socket, CharDevice, BlockDevice])
}

prop_compose! {
    fn any_extra()(
        linkname: Vec<u8>, devmajor: u64, devminor: u64,
        xattrs in vec(any::<(Vec<u8>, Vec<u8>)>(), 0..3), inode: Option<(u64, u64)>,
    ) -> Extra {
        Extra { linkname, devmajor, devminor, xattrs, inode }
    }
}

prop_compose! {
    fn any_entry()(
        path in any_path(), file_type in any_type(), mode: u16, uid: u32, gid: u32, size: u64, mtime_ns: i64,
        extra in option::weighted(0.2, any_extra()), hardlink in option::weighted(0.2, any_path()),
        content in option::of(any_digest()),
    ) -> (Entry, Option<Digest>) {
        let extra = extra.map(Box::new);
        (Entry { path, stat: Stat { file_type, mode, uid, gid, size, mtime_ns, extra }, hardlink }, content)
    }
}

prop_compose! {
    fn any_source()(name: String, local: String, entries in vec(any_entry(), 0..20), has_times: bool) -> SourceState {
        let (entries, contents) = entries.into_iter().unzip();
        SourceState { name, local, entries, contents, has_times }
    }
}

fn any_content() -> impl Strategy<Value = ContentState> {
    let local = (any::<usize>(), vec(any::<(usize, usize)>(), 0..4)).prop_map(|(source, pairs)| {
        let entries = pairs.into_iter().map(|(a, b)| a.min(b)..a.max(b)).collect();
        PickedFiles::Local { source, entries }
    });
    let file = (any::<Vec<u8>>(), any_digest()).prop_map(|(path, digest)| StageFileState { path, digest });
    let files = prop_oneof![local, vec(file, 0..4).prop_map(PickedFiles::Stage)];
    let picked = (any_digest(), files).prop_map(|(digest, files)| Picked { digest, files });
    prop_oneof![
        Just(ContentState::None),
        Just(ContentState::Failed),
        any::<String>().prop_map(ContentState::Open),
        (any_digest(), vec(picked, 0..3)).prop_map(|(record, picked)| ContentState::Known { record, picked }),
    ]
}

prop_compose! {
    fn any_vertex()(
        kind in 0usize..7, records: Vec<usize>, open: Vec<String>, ignore_cache: bool,
        fields in vec((any::<String>(), any_digest()), 0..4),
        inputs in vec((any::<usize>(), option::of(any_digest()), any_content()), 0..4),
    ) -> VertexState {
        use VertexKind::{Exec, File, Git, Http, Image, Local, Merge};
        let input = |(vertex, selector, content)| InputState { vertex, selector, content };
        VertexState {
            kind: [Local, Image, Http, Git, File, Exec, Merge][kind],
            records,
            open,
            fields: fields.into_iter().map(|(name, digest)| Field { name, digest }).collect(),
            inputs: inputs.into_iter().map(input).collect(),
            ignore_cache,
        }
    }
}

prop_compose! {
    fn any_step()(
        texts: [String; 4], line: usize, end_line: usize, vertex: usize,
        variables in vec((any::<(String, bool, Option<usize>)>(), option::of(any_digest())), 0..4),
    ) -> StepState {
        let [name, stage, instruction, text] = texts;
        let variable = |((name, argument, line), value)| Variable { name, argument, line, value };
        let variables = variables.into_iter().map(variable).collect();
        StepState { name, stage, line, end_line, instruction, text, vertex, variables }
    }
}

prop_compose! {
    fn any_record()(
        digest in any_digest(), flags: [bool; 3],
        inputs in vec(vec((any::<usize>(), option::of(any_digest())), 0..3), 0..3),
    ) -> RememberedRecord {
        let link = |(record, selector)| RememberedLink { record, selector };
        let inputs = inputs.into_iter().map(|i| i.into_iter().map(link).collect()).collect();
        RememberedRecord { digest, inputs, result: flags[0], partial: flags[1], stand_in: flags[2] }
    }
}

prop_compose! {
    fn any_snapshot()(
        texts: [String; 4], taken: Option<i64>, context: Vec<u8>, revision: Option<String>,
        arguments in btree_map(any::<String>(), any_digest(), 0..4),
        ignore_files in btree_map(any::<String>(), any::<(Option<String>, Vec<u8>)>(), 0..3),
        sources in vec(any_source(), 0..3), vertices in vec(any_vertex(), 0..5), steps in vec(any_step(), 0..5),
        target: Option<usize>, records in vec(any_record(), 0..5),
        failures in vec(any::<(Option<usize>, String, String, Vec<u8>)>(), 0..3),
    ) -> Snapshot {
        let [tool, dockerfile, target_name, platform] = texts;
        let failure = |(step, code, message, path)| Failure { step, code, message, path };
        let rules = |(source, (name, bytes))| (source, IgnoreRules { name, bytes });
        let mut snapshot = Snapshot {
            buildkit: if taken.is_some() { Version::NEWEST } else { Version::OLDEST },
            subject: Subject { tool, taken, context, dockerfile, target: target_name, platform, revision },
            arguments,
            ignore_files: ignore_files.into_iter().map(rules).collect(),
            sources,
            vertices,
            steps,
            target,
            remembered: Remembered { records },
            failures: failures.into_iter().map(failure).collect(),
        };
        connect(&mut snapshot);
        snapshot
    }
}

/// Makes all places point at something.
fn connect(snapshot: &mut Snapshot) {
    let (vertices, records, steps) =
        (snapshot.vertices.len(), snapshot.remembered.records.len(), snapshot.steps.len());
    let counts: Vec<usize> = snapshot.sources.iter().map(|s| s.entries.len()).collect();
    for (place, vertex) in snapshot.vertices.iter_mut().enumerate() {
        vertex.records.retain_mut(|r| within(r, records));
        vertex.inputs.retain_mut(|i| within(&mut i.vertex, place));
        for input in &mut vertex.inputs {
            let ContentState::Known { picked, .. } = &mut input.content else { continue };
            picked.retain_mut(|p| match &mut p.files {
                PickedFiles::Local { source, entries } => {
                    let there = within(source, counts.len());
                    let count = counts.get(*source).copied().unwrap_or(0) + 1;
                    entries.iter_mut().for_each(|r| *r = (r.start % count).min(r.end % count)..r.end % count);
                    there
                }
                PickedFiles::Stage(_) => true,
            });
        }
    }
    snapshot
        .remembered
        .records
        .iter_mut()
        .flat_map(|r| &mut r.inputs)
        .flatten()
        .for_each(|l| l.record %= records);
    snapshot.steps.retain_mut(|s| within(&mut s.vertex, vertices));
    snapshot.target = snapshot.target.and_then(|t| t.checked_rem(vertices));
    let steps = steps.min(snapshot.steps.len());
    snapshot.failures.iter_mut().for_each(|f| f.step = f.step.and_then(|s| s.checked_rem(steps)));
}

fn within(place: &mut usize, count: usize) -> bool {
    *place = place.checked_rem(count).unwrap_or(0);
    count > 0
}

proptest! {
    #[test]
    fn every_snapshot_comes_back(snapshot in any_snapshot()) {
        let bytes = encode(&snapshot);
        prop_assert_eq!(decode(&bytes).unwrap(), snapshot);
    }

    #[test]
    fn any_payload_is_read_or_refused(payload: Vec<u8>) {
        let _ = decode(&file(&payload, payload.len() as u64));
    }

    #[test]
    fn a_payload_with_changes_is_read_or_refused(at in any::<prop::sample::Index>(), by: u8) {
        let mut payload = payload(&sample());
        let at = at.index(payload.len());
        payload[at] = payload[at].wrapping_add(by);
        let _ = decode(&file(&payload, payload.len() as u64));
    }
}
