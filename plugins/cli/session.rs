//! A connection that outlives the first answer, for what is asked of the cluster after it.
//!
//! In: the flags that choose a cluster. Out: a [`Session`], which runs futures on the connection.

use super::GlobalArgs;
use netpol::objects::Objects;
use netpol_sources::live::Connection;
use tokio::runtime::{Builder, Runtime};

/// A connection with what runs it, and what was read over it and laid over that.
pub struct Session {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    /// The way to the cluster.
    pub connection: Connection,
    /// Where something was laid over the cluster: what was read of it before that.
    pub beneath: Objects,
    /// What was laid over the cluster.
    pub overlay: Objects,
}

impl Session {
    /// Connects.
    pub fn start(global: &GlobalArgs) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let connection = runtime.block_on(global.connect())?;
        let (beneath, overlay) = (Objects::default(), Objects::default());
        Ok(Self { runtime: Some(runtime), connection, beneath, overlay })
    }

    /// Runs a future to its end on this thread.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> anyhow::Result<T> {
        let runtime = self.runtime.as_ref();
        let runtime = runtime.ok_or_else(|| anyhow::anyhow!("the connection is closed"))?;
        Ok(runtime.block_on(future))
    }
}

/// Nothing waits for what still runs: a name look-up may hang for long.
impl Drop for Session {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
