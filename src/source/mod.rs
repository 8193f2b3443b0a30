//! Where input comes from: text on disk, on standard input or from the cluster becomes objects.

pub mod yaml;
