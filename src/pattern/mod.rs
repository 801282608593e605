//! Moby's patterns and the `.dockerignore` reader; a verdict names the pattern, the file and the line that decided.
