//! A build's progress as people know it from Docker: what an engine reports about vertices, told on a terminal, in plain lines, as JSON lines or
//! not at all.
