//! Errors of finding an engine, as findings.

use crate::engine::EngineError;
use crate::report::{DoctorFinding, DoctorSeverity};

/// What keeps an engine from being found.
pub fn finding(error: &EngineError) -> DoctorFinding {
    let code = match error {
        EngineError::Config { .. } => "config-unreadable",
        EngineError::UnknownContext { .. } => "context-unknown",
        EngineError::UnknownBuilder { .. } | EngineError::OtherContext { .. } => "builder-unknown",
        _ => "engine-unsupported",
    };
    DoctorFinding { severity: DoctorSeverity::Error, code, message: error.to_string(), help: error.hint() }
}
