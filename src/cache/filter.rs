//! Include and exclude patterns on the way through a tree (`checksum.go`, `shouldIncludePath`).

use super::Selector;
use crate::pattern::{Info, Matcher};

/// A selector's patterns.
pub(super) struct Filter {
    include: Option<Matcher>,
    exclude: Option<Matcher>,
}

/// What a folder's children need to know of its matches.
#[derive(Debug, Default)]
pub(super) struct MatchState {
    include: Option<Info>,
    /// `None` when the include patterns had already decided: then the children are matched as if there were no parent.
    exclude: Option<Info>,
}

impl Filter {
    /// Reads a selector's patterns; an error is BuildKit's text.
    pub fn new(selector: &Selector) -> Result<Self, String> {
        let include = matcher(&selector.include, "includepatterns")?;
        let exclude = matcher(&selector.exclude, "excludepatterns")?;
        Ok(Self { include, exclude })
    }

    /// Whether the patterns take a path that is relative to the selector's; an error is BuildKit's text.
    pub fn test(&self, path: &[u8], parent: Option<&MatchState>) -> Result<(bool, MatchState), String> {
        let mut state = MatchState::default();
        if let Some(matcher) = &self.include {
            let (matched, info) = matcher
                .matches_with_parent(path, parent.and_then(|p| p.include.as_ref()))
                .map_err(|e| format!("failed to match includepatterns: {e}"))?;
            state.include = Some(info);
            if !matched {
                return Ok((false, state));
            }
        }
        let Some(matcher) = &self.exclude else { return Ok((true, state)) };
        let (matched, info) = matcher
            .matches_with_parent(path, parent.and_then(|p| p.exclude.as_ref()))
            .map_err(|e| format!("failed to match excludepatterns: {e}"))?;
        state.exclude = Some(info);
        Ok((!matched, state))
    }
}

fn matcher(patterns: &[String], what: &str) -> Result<Option<Matcher>, String> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let read = Matcher::new(patterns);
    read.map(Some).map_err(|e| format!("invalid {what}: [{}]: {}", patterns.join(" "), e.engine_message()))
}
