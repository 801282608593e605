//! What is in the hold: every file of the contexts, seen and hidden, with what a page tells of it.

use crate::report::Cause;

/// The files of a build's contexts.
#[derive(Debug, Clone, Default)]
pub struct Hold {
    /// The build context, then the named ones.
    pub folders: Vec<HoldFolder>,
    /// Sets of steps, by their places in the plan. The first one is the empty set.
    pub step_sets: Vec<Vec<usize>>,
    /// The lines of ignore files that hide something.
    pub ignore_lines: Vec<Cause>,
    /// Whether it is known which step takes what.
    pub planned: bool,
    /// What has to be known to read the numbers, in words.
    pub notes: Vec<String>,
}

/// One context.
#[derive(Debug, Clone, Default)]
pub struct HoldFolder {
    /// Its name: `context`, or the named context's.
    pub name: String,
    /// Its files and folders, in no order.
    pub items: Vec<HoldItem>,
}

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldItem {
    /// Its path below the context.
    pub path: Vec<u8>,
    /// Bytes of a file; 0 for its second name, for a link and for a folder.
    pub bytes: u64,
    /// What is known of it.
    pub state: HoldState,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HoldState {
    /// Its type's name: `file`, `dir`, `symlink`, …
    pub kind: &'static str,
    /// Its permission bits.
    pub mode: Option<u16>,
    /// Whether the engine asks for it.
    pub sent: bool,
    /// Which steps take it: a place in [`Hold::step_sets`].
    pub steps: usize,
    /// Which line hides it: a place in [`Hold::ignore_lines`].
    pub hidden: Option<usize>,
    /// What changed of it since the baseline: a name of a cause's kind.
    pub changed: Option<&'static str>,
    /// In how many of the replayed commits it changed.
    pub commits: usize,
}

impl Default for HoldState {
    fn default() -> Self {
        Self { kind: "file", mode: None, sent: false, steps: 0, hidden: None, changed: None, commits: 0 }
    }
}

impl HoldState {
    /// What becomes of it, in a word that has a meaning of its own in the page.
    pub fn fate(&self, planned: bool) -> Fate {
        match self {
            Self { hidden: Some(_), .. } => Fate::Hidden,
            _ if !planned => Fate::InView,
            Self { sent: true, steps: 0, .. } => Fate::Unused,
            Self { sent: true, .. } => Fate::Used,
            _ => Fate::NotSent,
        }
    }
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Some step takes it.
    Used,
    /// The engine asks for it, and no step takes it.
    Unused,
    /// The engine doesn't ask for it.
    NotSent,
    /// The ignore file leaves it in view; more isn't known.
    InView,
    /// The ignore file hides it.
    Hidden,
}

impl Fate {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Used => "sent, used",
            Self::Unused => "sent, unused",
            Self::NotSent => "not sent",
            Self::InView => "in view",
            Self::Hidden => "hidden",
        }
    }
}
