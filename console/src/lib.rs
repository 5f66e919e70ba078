//! The console: pages for whoever runs a gateway, and the API behind them.
//!
//! ```text
//! browser --cookie--> guard: Host, Sec-Fetch-Site, session --> route: one table --> Source: what this viewer may see
//!         <--events-- live: one message a second           <-- Feed: the requests that have just ended
//! ```
//!
//! Everything that is shown comes through [`Source`], which is told each time who looks: a gateway by itself answers from its memory, a console
//! of many gateways asks them. Nothing here writes anything by itself. `docs/console.md` has the pages; the assets in `dist` are built from `web`.

mod api;
mod assets;
mod console;
mod feed;
mod guard;
mod identity;
mod live;
mod pulse;
mod renewal;
mod reply;
mod route;
mod seats;
mod session;
mod source;
mod tries;
pub mod view;
mod viewer;

#[cfg(test)]
mod tests;

pub use console::{Console, Settings};
pub use feed::Feed;
pub use guard::{Client, host, is_browser};
pub use identity::Identity;
pub use source::{Holder, Source, Told, Trouble};
pub use viewer::{Reach, Rights, Sees, Viewer};
