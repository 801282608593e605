//! A reproducible tar of a [`Source`](crate::entry::Source), in fsutil's order, with owner 0:0 and times as asked for.
