//! How a configuration gets here: from a folder, from a cluster, or from variables where there is neither.

#[cfg(feature = "kubernetes")]
pub(crate) mod cluster;
pub(crate) mod folder;
#[cfg(feature = "console")]
pub(crate) mod form;
pub(crate) mod origin;
pub(crate) mod private_file;
pub(crate) mod standalone;
pub(crate) mod start;
pub(crate) mod state;
pub(crate) mod written;
