//! What travels, tried from outside: by rules, by examples of many providers, and at random.

// `cfg(test)` tells clippy that helpers, too, may unwrap.
#[cfg(test)]
mod answers;
#[cfg(test)]
mod continuation;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod event_stream;
#[cfg(test)]
mod form;
#[cfg(test)]
mod redact;
#[cfg(test)]
mod request;
#[cfg(test)]
mod splice;
#[cfg(test)]
mod sse;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod usage;

#[cfg(test)]
#[path = "../checks/payload.rs"]
mod check_payload;
#[cfg(test)]
#[path = "../checks/request.rs"]
mod check_request;
#[cfg(test)]
#[path = "../checks/sse.rs"]
mod check_sse;
