//! Versions of BuildKit: what of the arithmetic and of the frontend they differ in, and since when each rule holds.
//!
//! One version decides both: without a `# syntax` line an engine uses the frontend that it has built in.

mod version;

pub use version::{Version, VersionError};

/// A rule that BuildKit did not always have.
///
/// Older versions had another one in its place, or refused what it is about. The boundaries are those of BuildKit's tags, patch
/// releases included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Links in paths are followed component by component, as Linux does (`contenthash`, `getFollowLinks`); before, the whole
    /// path was cleaned first, so that `..` behind a link went elsewhere.
    LinksByComponent,
    /// `COPY a .` goes into the working folder with a `/` at its end (`pathRelativeToWorkingDir`); only v0.14 forgot it.
    DotKeepsSlash,
    /// A destination keeps `/.` at its end; before, only `/`.
    DestinationKeepsDot,
    /// A secret or ssh mount has no input (`getMountDeps`); before, it counted as one of the first input, which then was looked up
    /// by its whole content.
    SecretsWithoutInput,
    /// `RUN --mount=type=secret,env=…`.
    SecretEnv,
    /// Variables in `--chmod` count, and what is no mode is an error; before, it was passed over.
    ChmodVariables,
    /// `TARGETSTAGE` as a predefined argument.
    TargetStage,
    /// Mounts, merges and users leave out inputs that are 0, since operations are no gogo protobufs any more.
    ZerosLeftOut,
    /// Owners are `byId` and `byName`; before, `byID` and `byName`, and in v0.17 alone `ByID` and `ByName` (`solver/pb/json.go`).
    LowerCaseOwners,
    /// `--chmod` in symbols.
    ChmodSymbols,
    /// WORKDIR gives its folder the time of `SOURCE_DATE_EPOCH`.
    WorkdirEpoch,
    /// `ADD --unpack`.
    Unpack,
    /// Blanks between `<<` and the word of a heredoc.
    HeredocBlanks,
    /// `ADD --checksum` of a repository.
    GitChecksum,
    /// `--exclude`; before, only frontends of the labs channel knew it.
    Exclude,
    /// With wildcards and patterns, only links that the source itself names are followed; before, all links that were picked.
    NamedLinksOnly,
    /// With wildcards and patterns, the checksum names files by their path below the source; before, by their last component.
    PathsInPatterns,
    /// `COPY --parents` of a path that isn't there fails; before, it copied nothing.
    RequiredPaths,
    /// `COPY --parents`; before, only frontends of the labs channel knew it.
    Parents,
    /// `RUN --security`; before, only frontends of the labs channel knew it.
    Security,
    /// A heredoc with `<<-` loses its tabs before it is looked at for `#!`.
    ChompBeforeShebang,
    /// A default of the global `ARG SOURCE_DATE_EPOCH` counts.
    EpochDefault,
    /// `SOURCE_DATE_EPOCH` may be `context` or the name of a stage.
    EpochNames,
}

impl Rule {
    /// Since which version it holds.
    pub const fn since(self) -> Version {
        match self {
            Self::LinksByComponent => Version::new(14, 0),
            Self::DestinationKeepsDot => Version::new(14, 0),
            Self::DotKeepsSlash => Version::new(15, 0),
            Self::SecretsWithoutInput => Version::new(15, 2),
            Self::SecretEnv | Self::ChmodVariables => Version::new(16, 0),
            Self::TargetStage | Self::ZerosLeftOut => Version::new(17, 0),
            Self::LowerCaseOwners => Version::new(18, 0),
            Self::ChmodSymbols => Version::new(20, 0),
            Self::WorkdirEpoch => Version::new(22, 0),
            Self::Unpack | Self::HeredocBlanks | Self::GitChecksum => Version::new(23, 0),
            Self::Exclude | Self::NamedLinksOnly => Version::new(25, 0),
            Self::PathsInPatterns | Self::RequiredPaths | Self::Parents | Self::Security => {
                Version::new(26, 0)
            }
            Self::ChompBeforeShebang => Version::new(27, 0),
            Self::EpochDefault => Version::new(29, 0),
            Self::EpochNames => Version::new(30, 0),
        }
    }
}

/// The versions that a build goes through: they differ when a `# syntax` line hands the Dockerfile to another frontend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Versions {
    /// The engine's, which makes the keys.
    pub engine: Version,
    /// The frontend's, which makes the operations.
    pub frontend: Version,
}

impl Versions {
    /// An engine with the frontend that it has built in.
    pub const fn built_in(engine: Version) -> Self {
        Self { engine, frontend: engine }
    }
}
