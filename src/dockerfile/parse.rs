//! The whole way: bytes → [`Dockerfile`] (`instructions.Parse`, and what `dockerfile2llb` checks around it).

use super::ast::{Dockerfile, Instruction, InstructionKind, Span, Warning};
use super::directives::{detect_check, detect_syntax};
use super::error::{Fault, ParseError};
use super::instruction::{self, Parsed};
use super::lines::{self, Lines};
use super::node::Node;
use super::remarks;

/// How a Dockerfile is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ParseOptions {
    /// The build argument `BUILDKIT_DOCKERFILE_CHECK` is given: then it is no error that the options of `# check=` can't be read.
    pub checks_given: bool,
}

impl Dockerfile {
    /// Reads a Dockerfile.
    ///
    /// Bytes that are no UTF-8 are no error here, as little as in BuildKit; see [`CommandLine::not_utf8`](super::CommandLine).
    ///
    /// # Errors
    /// The first reason for which BuildKit would not even start to build.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        Self::parse_with(bytes, ParseOptions::default())
    }

    /// [`Dockerfile::parse`] with options.
    ///
    /// # Errors
    /// As there.
    pub fn parse_with(bytes: &[u8], options: ParseOptions) -> Result<Self, ParseError> {
        let whole = |fault: Fault, span| {
            let engine = fault.engine_text();
            fault.in_file(bytes, span, engine)
        };
        let top = Span { line: 1, end_line: 1, column: 0 };
        if bytes.is_empty() {
            return Err(whole(Fault::new("the Dockerfile cannot be empty"), top));
        }
        let check = detect_check(bytes, options.checks_given)
            .map_err(|(reason, span)| whole(Fault::new(reason), span))?;
        let lines = lines::read(bytes).map_err(|e| whole(binary_hint(e.fault, bytes), e.span))?;
        let last = lines.nodes.last().map_or(top, |node| node.span);
        let mut file = Self { syntax: detect_syntax(bytes), check, ..Self::empty(&lines) };
        file.add_all(lines, bytes)?;
        if file.stages.is_empty() {
            return Err(whole(
                Fault::new("dockerfile contains no stages to build").hint("start with FROM"),
                last,
            ));
        }
        Ok(file)
    }

    /// What BuildKit's checks remark while it reads a file, as far as it gets: of one that [`Dockerfile::parse`] reads, its `warnings`.
    pub fn remarks(bytes: &[u8]) -> Vec<Warning> {
        let Ok(lines) = lines::read(bytes) else { return Vec::new() };
        let mut file = Self::empty(&lines);
        // The remarks that come before an error are the ones in question.
        let _ = file.add_all(lines, bytes);
        file.warnings
    }

    fn empty(lines: &Lines) -> Self {
        Self {
            escape: char::from(lines.escape),
            syntax: None,
            check: None,
            global_args: Vec::new(),
            stages: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn add_all(&mut self, lines: Lines, bytes: &[u8]) -> Result<(), ParseError> {
        self.warnings = lines.warnings;
        for node in lines.nodes {
            let span = node.span;
            self.warnings.extend(remarks::of_node(&node));
            let parsed = instruction::parse(node).map_err(|fault| {
                let engine = format!("dockerfile parse error on line {}: {}", span.line, fault.engine_text());
                binary_hint(fault, bytes).in_file(bytes, span, engine)
            })?;
            self.warnings.extend(remarks::of_parsed(&parsed));
            self.add(parsed).map_err(|fault| {
                let engine = fault.engine_text();
                fault.in_file(bytes, span, engine)
            })?;
        }
        Ok(())
    }

    fn add(&mut self, parsed: Parsed) -> Result<(), Fault> {
        match (parsed, self.stages.last_mut()) {
            (Parsed::Stage(stage), _) => self.stages.push(stage),
            (Parsed::Instruction(one), Some(stage)) => stage.instructions.push(one),
            (Parsed::Instruction(one), None) if matches!(one.kind, InstructionKind::Arg(_)) => {
                self.global_args.push(one)
            }
            (Parsed::Instruction(_), None) => {
                let hint = "only ARG may stand before the first FROM";
                return Err(Fault::new("no build stage in current context").hint(hint));
            }
        }
        Ok(())
    }
}

/// Says so when the file looks like no text at all.
fn binary_hint(fault: Fault, bytes: &[u8]) -> Fault {
    let start = &bytes[..bytes.len().min(8192)];
    if start.contains(&0) { fault.hint("the file has NUL bytes: it is no text") } else { fault }
}

impl Instruction {
    /// Reads the text of an ONBUILD trigger, as the build does that starts from an image with triggers (`initOnBuildTriggers`).
    /// Everything in it gets the given span, that of the FROM instruction.
    ///
    /// # Errors
    /// BuildKit's errors, which have no line of their own here.
    pub fn parse_trigger(text: &str, span: Span) -> Result<Self, ParseError> {
        let whole = |fault: Fault| {
            let engine_message = fault.engine_text();
            ParseError {
                span,
                source_line: first_line(text),
                engine_message,
                ..fault.in_file(b"", span, String::new())
            }
        };
        let lines = lines::read(text.as_bytes()).map_err(|e| whole(e.fault))?;
        let Ok([mut node]) = <[Node; 1]>::try_from(lines.nodes) else {
            return Err(whole(Fault::new("onbuild trigger should be a single expression")));
        };
        node.span = span;
        match instruction::parse(node).map_err(whole)? {
            Parsed::Instruction(one) => Ok(one),
            Parsed::Stage(_) => Err(whole(Fault::new("*instructions.Stage is not a command type"))),
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(1024).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn error(text: &str) -> ParseError {
        Dockerfile::parse(text.as_bytes()).expect_err("a faulty file")
    }

    #[test]
    fn spans_cover_continuations_and_heredocs() {
        let text = "# c\nFROM scratch\n  RUN a \\\n b <<E\nbody\nE\nCMD x";
        let file = Dockerfile::parse(text.as_bytes()).expect("a good file");
        let [run, cmd] = &file.stages[0].instructions[..] else { panic!("two instructions") };
        assert_eq!(run.span, Span { line: 3, end_line: 6, column: 3 });
        assert_eq!(run.heredocs[0].span, Span { line: 5, end_line: 6, column: 1 });
        assert_eq!(run.text, "RUN a  b <<E");
        assert_eq!(cmd.span, Span { line: 7, end_line: 7, column: 1 });
        assert_eq!(file.stages[0].comments, ["c"]);
    }

    #[test]
    fn errors_tell_line_column_and_hint() {
        let flag = error("FROM scratch\nCOPY --link --chwon=1 a b\n");
        assert_eq!(flag.span, Span { line: 2, end_line: 2, column: 13 });
        assert_eq!(flag.message, "unknown flag: --chwon");
        assert_eq!(
            flag.engine_message,
            "dockerfile parse error on line 2: unknown flag: --chwon (did you mean chown?)"
        );
        assert_eq!(flag.source_line, "COPY --link --chwon=1 a b");
        assert_eq!(flag.hint.as_deref(), Some("did you mean chown?"));
        assert_eq!(flag.to_string(), "line 2, column 13: unknown flag: --chwon");
        let name = error("\u{feff}FROM scratch\r\n\tCOPPY a b\r\n");
        assert_eq!((name.span.column, name.source_line.as_str()), (2, "\tCOPPY a b"));
        assert_eq!(error("FROM scratch\nRUN <<E\nx\n").span, Span { line: 2, end_line: 3, column: 5 });
    }

    #[test]
    fn directive_errors_stand_on_their_own_line() {
        assert_eq!(error("# syntax=a\n# syntax=b\nFROM x").span.line, 2);
        assert_eq!(error("# escape=x\nFROM x").span, Span { line: 1, end_line: 1, column: 10 });
        assert_eq!(
            error("# check=x\nFROM x").engine_message,
            "failed to parse check options: invalid check option \"x\""
        );
    }

    #[test]
    fn files_that_are_no_dockerfile_get_a_clear_error() {
        assert_eq!(error("").engine_message, "the Dockerfile cannot be empty");
        assert_eq!(error("\n\n").engine_message, "file with no instructions");
        assert_eq!(error("ARG a").engine_message, "dockerfile contains no stages to build");
        let binary = Dockerfile::parse(b"\x7fELF\0\0\xff\n").expect_err("no text");
        assert_eq!(binary.hint.as_deref(), Some("the file has NUL bytes: it is no text"));
    }

    #[test]
    fn a_line_may_have_65535_bytes_and_a_newline() {
        let with = |run: usize, end: &str| format!("FROM scratch\nRUN {}{end}", "x".repeat(run - 4));
        assert!(Dockerfile::parse(with(65_535, "\n").as_bytes()).is_ok());
        assert!(Dockerfile::parse(with(65_535, "").as_bytes()).is_ok());
        for long in [with(65_536, ""), with(65_536, "\n"), with(65_535, "\r\n")] {
            let error = error(&long);
            assert_eq!(error.engine_message, "dockerfile line greater than max allowed size of 65535");
            assert_eq!(error.span.line, 2);
        }
        // Before any instruction, BuildKit does not get as far as telling.
        let first = error(&"x".repeat(100_000_000));
        assert_eq!(first.engine_message, "file with no instructions");
        assert_eq!(first.hint.as_deref(), Some("line 1 is longer than the 65535 bytes that a line may have"));
        assert!(first.source_line.len() < 5000);
    }

    #[test]
    fn long_files_take_linear_time() {
        let start = Instant::now();
        let copies = format!("FROM scratch\n{}", "COPY a b\n".repeat(100_000));
        let file = Dockerfile::parse(copies.as_bytes()).expect("many lines");
        assert_eq!(file.stages[0].instructions.len(), 100_000);
        let joined = format!("FROM scratch\nRUN {}x", "a b c \\\n".repeat(200_000));
        assert!(Dockerfile::parse(joined.as_bytes()).is_ok());
        let chain = format!("FROM scratch\n{}RUN x", "ONBUILD \\\n".repeat(200_000));
        assert!(error(&chain).engine_message.contains("Chaining ONBUILD"));
        let names = |n: usize| (0..n).map(|i| format!("<<E{i} ")).collect::<String>();
        let bodies = (0..6000).map(|i| format!("x\nE{i}\n")).collect::<String>();
        assert!(
            Dockerfile::parse(format!("FROM scratch\nCOPY {}/d\n{bodies}", names(6000)).as_bytes()).is_ok()
        );
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }

    #[test]
    fn triggers_take_the_place_of_their_from() {
        let span = Span { line: 7, end_line: 8, column: 1 };
        let one = Instruction::parse_trigger("COPY <<E /x\nbody\nE", span).expect("a trigger");
        assert_eq!((one.span, one.heredocs.len()), (span, 1));
        let error = Instruction::parse_trigger("COPY --nope a b", span).expect_err("a flag");
        assert_eq!((error.span, error.engine_message.as_str()), (span, "unknown flag: --nope"));
        assert_eq!(error.source_line, "COPY --nope a b");
    }

    /// A small generator (SplitMix64), so that a failure can be repeated.
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let pieces: [&[u8]; 24] = [
            b"FROM a\n",
            b"RUN ",
            b"COPY ",
            b"ONBUILD ",
            b"ENV ",
            b"HEALTHCHECK ",
            b"<<E",
            b"\nE\n",
            b"--mount=",
            b"--",
            b"[\"",
            b"]",
            b"\\\n",
            b"${",
            b"}",
            b"'",
            b"\"",
            b"#",
            b"=",
            b" ",
            b"\xc3",
            b"\xa0",
            b"\xef\xbb\xbf",
            b"\0",
        ];
        let (mut state, mut parsed) = (42, 0);
        for _ in 0..20_000 {
            let mut bytes =
                if random(&mut state).is_multiple_of(2) { b"FROM a\n".to_vec() } else { Vec::new() };
            for _ in 0..random(&mut state) % 20 {
                match random(&mut state) % 4 {
                    0 => bytes.push(random(&mut state).to_le_bytes()[0]),
                    n => bytes.extend_from_slice(
                        pieces[usize::try_from(n * 97 + random(&mut state) % 1000).unwrap_or(0) % 24],
                    ),
                }
            }
            match Dockerfile::parse(&bytes) {
                Ok(_) => parsed += 1,
                Err(error) => assert!(!error.engine_message.is_empty() && error.span.line > 0, "{error:?}"),
            }
        }
        assert!(parsed > 100, "only {parsed} random files were good");
    }
}
