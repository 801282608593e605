//! The verbs: each is the whole flow, read top to bottom.
