//! How the gateway proves to a cloud who it is: requests signed for AWS, and tokens of Entra, Google and AWS that are kept fresh. And how it is
//! proven to the gateway who calls: tokens ([`Jwt`]), and the keys of their issuers ([`IssuerKeys`]).
//!
//! Beside the path of a request: a provider's configuration becomes a [`Source`] ([`configure`]), a [`Keeper`] fetches its tokens before they
//! are needed, and an attempt takes the one in hand - one atomic load - and sends it, or signs with it ([`sigv4`]). Knows tokio, but no HTTP
//! library, no clock and no chance of its own: they come in as a [`World`]. What fails is a [`ConfigError`] while it is built, a [`Problem`]
//! while a token is fetched, [`NoToken`] for who wants one; each says what to mend, and none holds a secret.

mod call;
pub mod configure;
mod encode;
mod files;
mod issuer;
mod jwks;
mod jwt;
mod keeper;
mod oauth;
mod problem;
mod secret;
pub mod sigv4;
pub mod source;
mod token;
mod url;
mod words;
mod world;

pub use call::{ANSWER_BYTES, Http, Method, Reach, Request, Response, SendError, Sending};
pub use configure::ConfigError;
pub use issuer::{InHand, Issuer, IssuerKeys, KeyRefresher};
pub use jwks::KeySet;
pub use jwt::{BadToken, Jwt, LEEWAY, TOKEN_BYTES};
pub use keeper::{Keeper, NoToken, Refresher, Status};
pub use problem::Problem;
pub use secret::Secret;
pub use source::Source;
pub use token::{AwsCredentials, Token, Value};
pub use world::{Clock, SystemClock, World};
