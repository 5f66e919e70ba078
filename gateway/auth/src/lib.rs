//! How the gateway proves to a cloud who it is: requests signed for AWS.

mod encode;
mod secret;
pub mod sigv4;
mod token;

pub use secret::Secret;
pub use token::AwsCredentials;
