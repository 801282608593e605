//! The page's skeleton: one policy, one style, one script, the data, and the parts in the order that fits the verb.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::data::Data;
use super::escape::text;
use super::tree::Tree;
use super::{PageReport, PageVerb, Room, gather, history, layers, picture, summary, tables};

const STYLE: &str = include_str!("assets/page.css");
/// The script in its parts, which share one scope.
const SCRIPT: &str = concat!(
    "'use strict';\n(() => {\n",
    include_str!("assets/data.js"),
    include_str!("assets/colours.js"),
    include_str!("assets/hold.js"),
    include_str!("assets/layers.js"),
    include_str!("assets/history.js"),
    include_str!("assets/start.js"),
    "})();\n"
);

/// The page, as large as it may be.
pub fn write(report: &PageReport) -> String {
    let tree = Tree::of(&report.hold);
    let mut room = Room::FIRST;
    loop {
        let page = with_room(report, &tree, room);
        if page.len() <= Room::PAGE || room.items <= 8 {
            return page;
        }
        room = room.halved();
    }
}

fn with_room(report: &PageReport, tree: &Tree, room: Room) -> String {
    let items = gather::gather(tree, room.items);
    let data = Data::of(report, &items, room).written();
    let hold = hold(report, tree, &items, room);
    let layers = layers::write(report, room);
    let history = history::write(report, room);
    let parts = match report.verb {
        PageVerb::Churn => [history, hold, layers],
        PageVerb::Why | PageVerb::Report => [layers, hold, history],
        PageVerb::Plan | PageVerb::Du => [hold, layers, history],
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"stowaway {}\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<link rel=\"icon\" href=\"data:,\">\n<title>stowaway {}: {}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body class=\"{}\">\n{}<main>\n{}</main>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        policy(),
        env!("CARGO_PKG_VERSION"),
        report.verb.name(),
        text(&summary::title(report)),
        report.verb.name(),
        summary::head(report, tree),
        parts.concat(),
    )
}

/// Nothing is loaded, nothing is sent, and no script or style runs but those of here.
fn policy() -> String {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        digest(SCRIPT),
        digest(STYLE)
    )
}

fn digest(of: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(of)))
}

/// The treemap's frame, which the script fills, and the tables.
fn hold(report: &PageReport, tree: &Tree, items: &gather::Page, room: Room) -> String {
    let gathered = if items.gathered > 0 {
        format!(
            " {} of the smallest files are gathered into their folders and can't be searched by name.",
            crate::wording::thousands(items.gathered)
        )
    } else {
        String::new()
    };
    format!(
        "<section id=\"hold\" aria-labelledby=\"hold-name\">\n<h2 id=\"hold-name\">Hold</h2>\n\
         <div class=\"tools scripted\">\n<nav id=\"crumbs\" aria-label=\"Folders above\"></nav>\n\
         <label>Area <select id=\"measure\"><option value=\"bytes_in_view\">bytes in view</option>\
         <option value=\"bytes\">bytes, hidden too</option><option value=\"files_in_view\">files in view</option>\
         <option value=\"files\">files, hidden too</option></select></label>\n\
         <label>Colour <select id=\"colour\"></select></label>\n\
         <label>Search <input id=\"search\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" aria-describedby=\"found\"></label>\n\
         <span id=\"found\" role=\"status\"></span>\n</div>\n\
         <div id=\"map\">{}</div>\n<ul id=\"legend\" class=\"legend\">{}</ul>\n\
         <div id=\"detail\" class=\"detail scripted\"></div>\n\
         <p class=\"aside\">Every box is as large as what it stands for; folders hold their files.{gathered}</p>\n{}</section>\n",
        picture::write(items, report.hold.planned),
        picture::legend(items, report.hold.planned),
        tables::write(report, tree, room),
    )
}
