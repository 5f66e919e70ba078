//! The provider seen from outside, through a socket.

// `cfg(test)` tells clippy that the helpers in there are test code too.
#[cfg(test)]
mod moments;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod support;
#[cfg(test)]
mod wire;
