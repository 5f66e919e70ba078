//! How a configuration gets here: from a folder, or from a cluster.

#[cfg(feature = "kubernetes")]
pub(crate) mod cluster;
pub(crate) mod folder;
pub(crate) mod origin;
pub(crate) mod private_file;
pub(crate) mod standalone;
pub(crate) mod state;
