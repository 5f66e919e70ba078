//! OpenAI's Responses: what is read and written, whole and streamed.

// `cfg(test)` tells clippy that helpers, too, may unwrap.
#[cfg(test)]
mod answer;
#[cfg(test)]
mod common;
#[cfg(test)]
mod pitfalls;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod request;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod surface;
