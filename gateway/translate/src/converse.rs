//! Bedrock's Converse: what Amazon speaks for all the models that it hosts. Providers only, no callers.
//!
//! After the API's model (botocore 1.44.8, `bedrock-runtime`). The model, and whether the answer is streamed, stand in the [`path`]; the
//! body goes as `application/json`. A whole answer comes as `application/json`, a stream as frames
//! ([`fairlead_wire::event_stream`]), whose names and payloads [`stream::Reader`] takes. What is wanted of one
//! model only stands apart from the rest, by whose model it is: [`Family`].

pub mod answer;
mod block;
pub mod error;
mod family;
mod ids;
mod path;
pub mod request;
mod stop;
pub mod stream;
mod usage;

pub use family::Family;
pub use path::path;
