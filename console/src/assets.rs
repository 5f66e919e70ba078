//! What the pages are made of: built from `web`, committed, and a part of the program.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::response::{IntoResponse as _, Response};
use http::header;
use http::{HeaderMap, Method, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::reply::failed;

/// A file.
pub(crate) struct Asset {
    pub path: &'static str,
    kind: &'static str,
    pub content: &'static [u8],
}

/// All there are. The first is the page itself.
pub(crate) const ASSETS: &[Asset] = &[
    Asset {
        path: "/",
        kind: "text/html; charset=utf-8",
        content: include_bytes!("../dist/index.html"),
    },
    Asset {
        path: "/console.js",
        kind: "text/javascript; charset=utf-8",
        content: include_bytes!("../dist/console.js"),
    },
    Asset {
        path: "/console.css",
        kind: "text/css; charset=utf-8",
        content: include_bytes!("../dist/console.css"),
    },
    Asset {
        path: "/console.svg",
        kind: "image/svg+xml",
        content: include_bytes!("../dist/console.svg"),
    },
];

/// A file, unless the browser has it already.
pub(crate) fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Response {
    let found = ASSETS.iter().find(|asset| asset.path == path);
    let Some(asset) = found.filter(|_| method == Method::GET || method == Method::HEAD) else {
        return failed(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is nothing of this name; the console is at /",
        );
    };
    let tag = tag(asset);
    let about = [
        (header::CONTENT_TYPE, asset.kind),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let known = headers.get(header::IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, asset.content).into_response()
}

/// What tells a content from another; reckoned once.
fn tag(asset: &Asset) -> &'static str {
    static TAGS: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
        let tags = ASSETS.iter();
        tags.map(|asset| (asset.path, format!("\"{:.32}\"", hex(asset.content))))
            .collect()
    });
    TAGS.get(asset.path).map_or("", String::as_str)
}

fn hex(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
