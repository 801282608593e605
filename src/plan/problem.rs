//! Reasons for which a build fails, on their way to [`PlanError`].

use std::collections::BTreeSet;

use super::PlanError;
use crate::dockerfile::Span;

/// Why something can't be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fail {
    /// A stable code.
    pub code: &'static str,
    /// BuildKit's text.
    pub engine: String,
    /// Our words; BuildKit's when there are none.
    pub message: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// Where, when it isn't the instruction at hand.
    pub span: Option<Span>,
}

impl Fail {
    /// A reason in BuildKit's words.
    pub fn new(code: &'static str, engine: impl Into<String>) -> Self {
        Self { code, engine: engine.into(), message: None, hint: None, span: None }
    }

    /// The same in our words.
    #[must_use]
    pub fn say(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// With a place.
    #[must_use]
    pub fn at(mut self, span: Option<Span>) -> Self {
        self.span = self.span.or(span);
        self
    }

    /// BuildKit's `suggest.WrapError`: `(did you mean …?)` behind its text.
    #[must_use]
    pub fn suggest(mut self, found: Option<String>) -> Self {
        if let Some(found) = found {
            self.engine = format!("{} (did you mean {found}?)", self.engine);
            self.hint = Some(format!("did you mean {found}?"));
        }
        self
    }

    /// What the plan reports.
    pub fn report(self, span: Option<Span>, step: Option<String>) -> PlanError {
        let message = self.message.unwrap_or_else(|| self.engine.clone());
        let span = self.span.or(span);
        PlanError { span, step, code: self.code, message, engine_message: self.engine, hint: self.hint }
    }
}

/// The suggestion for the first of several words that has one (`wrapSuggestAny`; BuildKit tries them in random order).
pub(super) fn suggest_any<'a>(
    words: &BTreeSet<String>,
    options: impl Iterator<Item = &'a str> + Clone,
) -> Option<String> {
    words.iter().find_map(|word| super::words::did_you_mean(word, options.clone()))
}
