//! The page in a live browser: it opens without a complaint, is there at once, and does what it should when it is clicked, searched and
//! walked through with the keyboard. Chromium is driven over its DevTools protocol.
//!
//! `STOWAWAY_TEST_CHROMIUM` names the program where it is called neither `chromium` nor `google-chrome`. Without one the tests say that
//! they were skipped, which is a failure in CI. `STOWAWAY_SCREENSHOTS` names a folder in which screenshots are kept.
#![allow(missing_docs, reason = "tests are named as sentences")]

#[path = "browser/chromium.rs"]
mod chromium;
#[path = "browser/history.rs"]
mod history;
#[path = "browser/hold.rs"]
mod hold;
#[path = "browser/projects.rs"]
mod projects;
#[path = "browser/shop.rs"]
mod shop;
#[allow(dead_code, reason = "the other test binaries use the rest")]
#[path = "it/support/mod.rs"]
mod support;
