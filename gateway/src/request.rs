//! A request before anything is sent for it: who asks, what for, and where it goes.

pub(crate) mod affinity;
pub(crate) mod caller;
pub(crate) mod form;
pub(crate) mod governed;
pub(crate) mod inbound;
pub(crate) mod needed;
pub(crate) mod outlook;
pub(crate) mod phases;
pub(crate) mod prefix;
pub(crate) mod sight;
pub(crate) mod standing;
pub(crate) mod sticky;
pub(crate) mod window;
