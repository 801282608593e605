//! Values → bytes: one file per format.
