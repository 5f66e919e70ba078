//! How a request is served in time: what is waited for, for how long, and what follows. All of it within the process and under paused time.

mod adaptive;
mod attempt;
mod breaker;
mod callers;
mod continuation;
mod continues;
mod costs;
mod credential;
mod finish;
mod hang_up;
mod hedge;
mod limits;
mod mirror;
mod otlp;
mod passthrough;
mod patience;
mod pool;
mod queue;
mod retry;
mod rotation;
mod seen;
mod sticky;
mod strategies;
mod stream;
mod transport;
mod usage;
