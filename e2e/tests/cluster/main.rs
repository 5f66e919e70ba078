//! Everything together on a node: the charts, the pods, the people. One test at a time, for some take away what others need.

mod enforce;
mod keys;
mod kubectl;
mod limits;
mod node;
mod outage;
mod pool;
mod programmed;
mod restart;
mod second;
mod start;
mod support;
