//! Where observed flows come from: flags, and reading them to the end.
//!
//! In: the flags. Out: the program and its way to the relay, or a recording; and for commands that
//! want all flows of a time before they answer, [`Source::read`], which ends.

use super::{GlobalArgs, duration};
use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use netpol::hubble::{Filter, Record, Window};
use netpol_sources::hubble::{Error, Hubble, Relay, Stream};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, SystemTime};

/// The heading of the flags that say where flows come from.
const HEADING: &str = "Hubble";

/// So many batches of records may wait; then Hubble is made to wait.
pub const WAITING: usize = 16;

/// A hubble that was asked for what it has, and says nothing for so long, is not waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where flows come from.
#[derive(Args, Clone, Debug, Default)]
pub struct HubbleArgs {
    /// Recorded flows instead of the live ones: what `hubble observe -o jsonpb` printed; - for stdin
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub input_file: Option<PathBuf>,

    /// Address of Hubble's relay, where it is reachable already; else its port is forwarded
    #[arg(long, value_name = "ADDRESS", help_heading = HEADING)]
    hubble_server: Option<String>,

    /// Namespace of Cilium, if it is not kube-system
    #[arg(long, value_name = "NAMESPACE", help_heading = HEADING)]
    pub hubble_namespace: Option<String>,
}

/// A recording, or the program with its way to the relay.
#[derive(Clone, Debug)]
pub enum Source {
    /// What `hubble observe -o jsonpb` printed earlier.
    File(PathBuf),
    /// The Hubble CLI.
    Hubble(Hubble, Relay),
}

impl HubbleArgs {
    /// The recording, or the program, found and asked for its version.
    pub fn source(&self, global: &GlobalArgs) -> anyhow::Result<Source> {
        match &self.input_file {
            Some(file) => Ok(Source::File(file.clone())),
            None => self.live(global),
        }
    }

    fn live(&self, global: &GlobalArgs) -> anyhow::Result<Source> {
        let hubble = Hubble::find()?;
        let named = self.hubble_server.clone();
        let server = named
            .or_else(|| std::env::var("HUBBLE_SERVER").ok().filter(|server| !server.is_empty()));
        let connect = &global.connect;
        let relay = Relay::choose(
            hubble.version,
            server,
            connect.kubeconfig.clone(),
            connect.context.clone(),
            self.hubble_namespace.clone(),
        );
        if let (Relay::Forward { .. }, Some(flag)) = (&relay, connect.beyond_context()) {
            bail!(
                "hubble forwards the relay's port as the kubeconfig says and takes no {flag}: \
                 forward it yourself (kubectl port-forward -n kube-system service/hubble-relay \
                 4245:80) and give --hubble-server localhost:4245"
            );
        }
        Ok(Source::Hubble(hubble, relay))
    }
}

impl Source {
    /// What to call it.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => super::shown_path(path),
            Self::Hubble(hubble, _) => hubble.program.display().to_string(),
        }
    }

    /// Reads to the end, as long as `take` wants more. A recording is not filtered.
    pub fn read(
        self,
        filter: &Filter,
        window: &Window,
        mut take: impl FnMut(Vec<Record>) -> bool,
    ) -> Result<(), Error> {
        let (hubble, relay) = match self {
            Self::File(path) => return read_file(&path, take),
            Self::Hubble(hubble, relay) => (hubble, relay),
        };
        let (send, receive) = mpsc::sync_channel(WAITING);
        let stream =
            Stream::start(hubble, relay, filter, window, move |batch| send.send(batch).is_ok())?;
        let mut read = 0;
        loop {
            let batch = match receive.recv_timeout(PATIENCE) {
                Ok(batch) => batch,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(Error::Silent { seconds: PATIENCE.as_secs() });
                }
                Err(RecvTimeoutError::Disconnected) => Vec::new(),
            };
            if batch.is_empty() {
                return stream.finish(read);
            }
            read += u64::try_from(batch.len()).unwrap_or(u64::MAX);
            if !take(batch) {
                return Ok(());
            }
        }
    }
}

fn read_file(path: &Path, take: impl FnMut(Vec<Record>) -> bool) -> Result<(), Error> {
    let failed = |source| Error::Input { path: path.to_owned(), source };
    let read = if path.as_os_str() == "-" {
        netpol::hubble::read(io::stdin().lock(), take)
    } else {
        netpol::hubble::read(File::open(path).map_err(failed)?, take)
    };
    read.map_err(failed)
}

/// A duration before now, or a time.
pub fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let refuse = || format!("{text:?} is neither a time such as 2026-11-20T10:15:00Z nor 5m or 2h");
    let ago = duration(text).map_err(|_| refuse())?;
    let then = SystemTime::now().checked_sub(ago).ok_or_else(refuse)?;
    Timestamp::try_from(then).map_err(|_| refuse())
}
