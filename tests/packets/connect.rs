//! Connections that are tried: listeners of ours in every namespace, and clients.
//!
//! In: who asks whom at which port. Out: whether an answer came. A listener says where it is, so that an
//! answer of another is seen. Silence means denied: the daemon drops what is not allowed.

use super::network::{enter, within};
use netpol::cluster::{Port, Protocol};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Connections under way at once.
const AT_ONCE: usize = 32;

/// A connection to try.
#[derive(Clone, Debug)]
pub(super) struct Try {
    /// The namespace that it comes from.
    pub(super) from: String,
    /// The namespace that is to answer.
    pub(super) to: String,
    pub(super) address: IpAddr,
    pub(super) port: Port,
}

/// Whether an answer came, or what went wrong besides.
pub(super) type Outcome = Result<bool, String>;

enum Ear {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Ear {
    fn open(protocol: Protocol, number: u16) -> std::io::Result<Self> {
        // Of both families, on Linux.
        let any = SocketAddr::from(([0u16; 8], number));
        if protocol == Protocol::Udp {
            let socket = UdpSocket::bind(any)?;
            socket.set_nonblocking(true)?;
            return Ok(Self::Udp(socket));
        }
        let listener = TcpListener::bind(any)?;
        listener.set_nonblocking(true)?;
        Ok(Self::Tcp(listener))
    }

    /// Answers everyone who waits.
    fn answer(&self, place: &str) {
        match self {
            Self::Tcp(listener) => {
                while let Ok((mut stream, _)) = listener.accept() {
                    let _ = stream.write_all(place.as_bytes());
                }
            }
            Self::Udp(socket) => {
                let mut asked = [0; 16];
                while let Ok((_, from)) = socket.recv_from(&mut asked) {
                    let _ = socket.send_to(place.as_bytes(), from);
                }
            }
        }
    }
}

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Udp(socket) => socket.as_fd(),
        }
    }
}

/// Whoever is asked in these connections, listening until it is dropped.
pub(super) struct Listeners {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listeners {
    /// Opens them.
    pub(super) fn of(tries: &[Try]) -> Self {
        let all: BTreeSet<(&str, Protocol, u16)> =
            tries.iter().map(|it| (&*it.to, it.port.protocol, it.port.number)).collect();
        let ears: Vec<(String, Ear)> = all
            .into_iter()
            .map(|(place, protocol, number)| {
                let ear = within(place, || Ear::open(protocol, number));
                let told = |error| panic!("listening at {protocol}/{number} in {place}: {error}");
                (place.to_owned(), ear.unwrap_or_else(told))
            })
            .collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let listen = move || {
            let wait = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
            while !stopped.load(Ordering::Relaxed) {
                let mut fds: Vec<PollFd<'_>> =
                    ears.iter().map(|(_, ear)| PollFd::new(ear, PollFlags::IN)).collect();
                let _ = poll(&mut fds, Some(&wait));
                for ((place, ear), fd) in ears.iter().zip(&fds) {
                    if !fd.revents().is_empty() {
                        ear.answer(place);
                    }
                }
            }
        };
        Self { stop, thread: Some(thread::spawn(listen)) }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Tries all of them, many at once; each waits so long for an answer.
pub(super) fn try_all(tries: &[Try], wait: Duration) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(vec![Ok(false); tries.len()]);
    let work = || {
        while let Some((i, one)) = {
            let i = next.fetch_add(1, Ordering::Relaxed);
            tries.get(i).map(|one| (i, one))
        } {
            enter(&one.from);
            let outcome = connect(one, wait);
            outcomes.lock().expect("no thread panics here")[i] = outcome;
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(tries.len()) {
            scope.spawn(work);
        }
    });
    outcomes.into_inner().expect("no thread panicked")
}

fn connect(one: &Try, wait: Duration) -> Outcome {
    let to = SocketAddr::new(one.address, one.port.number);
    let udp = one.port.protocol == Protocol::Udp;
    let answer = if udp { ask_udp(to, wait) } else { ask_tcp(to, wait) };
    match answer {
        Ok(answer) if answer == one.to => Ok(true),
        Ok(answer) => Err(format!("{answer:?} answered")),
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
            Ok(false)
        }
        Err(error) => Err(error.to_string()),
    }
}

fn ask_tcp(to: SocketAddr, wait: Duration) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&to, wait)?;
    // Whoever is connected is answered; silence now is not a policy's.
    let broken = |error| std::io::Error::other(format!("connected, then: {error}"));
    let mut answer = String::new();
    stream.set_read_timeout(Some(wait.max(Duration::from_secs(5))))?;
    stream.read_to_string(&mut answer).map_err(broken)?;
    Ok(answer)
}

fn ask_udp(to: SocketAddr, wait: Duration) -> std::io::Result<String> {
    let any: SocketAddr = if to.is_ipv4() { ([0u8; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(to)?;
    socket.send(b"?")?;
    socket.set_read_timeout(Some(wait))?;
    let mut answer = [0; 64];
    let length = socket.recv(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}
