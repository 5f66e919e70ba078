//! One listener; each accepted socket goes to the core that has begun with all that it was handed, and of several to the one with the fewest
//! requests in flight. A core that is behind, whatever keeps it, is behind for everybody who comes to it.
//!
//! Separate listeners per core (`SO_REUSEPORT`) would leave cores idle under few connections and reset queued handshakes when closed.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::serve::connection;
use crate::serve::crowd::{Crowd, Seat};
use crate::worker::{Phase, Shared, Worker};

/// How often each core drops connections that have been idle too long.
const SWEEP: Duration = Duration::from_secs(10);

/// The cores, and the way to hand them connections.
#[derive(Debug)]
pub(crate) struct Cores {
    doors: Vec<Door>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Door {
    sockets: mpsc::UnboundedSender<(TcpStream, Seat, Waits)>,
    /// How many the core has not begun with.
    waiting: Arc<AtomicUsize>,
    active: Arc<AtomicUsize>,
}

/// A connection that waits for its core, until it is dropped.
#[derive(Debug)]
pub(crate) struct Waits(Arc<AtomicUsize>);

impl Waits {
    fn new(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(waiting))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Cores {
    /// Starts `count` cores, each a thread with a runtime of its own. They end when they are closed and idle, or `drain` after the phase
    /// became [`Phase::Draining`].
    ///
    /// # Errors
    /// A thread or its runtime could not be started.
    pub(crate) fn start(
        count: usize,
        shared: &Arc<Shared>,
        tls: Option<&TlsAcceptor>,
        drain: Duration,
    ) -> std::io::Result<Self> {
        let mut cores = Self {
            doors: Vec::new(),
            threads: Vec::new(),
        };
        for number in 0..count {
            let (sockets, accepted) = mpsc::unbounded_channel();
            let active = Arc::new(AtomicUsize::new(0));
            let worker = Worker::new(Arc::clone(shared), Arc::clone(&active));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let tls = tls.cloned();
            let run = move || {
                runtime.block_on(serve(worker, accepted, tls, drain));
                // A look-up of a name may still block some thread; nobody waits for it.
                runtime.shutdown_background();
            };
            cores.threads.push(
                std::thread::Builder::new()
                    .name(format!("core-{number}"))
                    .spawn(run)?,
            );
            cores.doors.push(Door {
                sockets,
                waiting: Arc::default(),
                active,
            });
        }
        Ok(cores)
    }

    /// Hands a connection to the core that has most time for it.
    fn hand(&self, socket: TcpStream, seat: Seat, turn: usize) {
        // Equally busy cores take turns.
        let doors = (0..self.doors.len()).map(|at| &self.doors[(at + turn) % self.doors.len()]);
        let load = |door: &&Door| {
            let waiting = door.waiting.load(Ordering::Relaxed);
            (waiting, door.active.load(Ordering::Relaxed))
        };
        if let Some(door) = doors.min_by_key(load) {
            // A core that has ended takes nothing more, and the socket closes.
            let _ = door.sockets.send((socket, seat, Waits::new(&door.waiting)));
        }
    }

    /// Takes no more connections and waits for every core to end.
    pub(crate) fn join(self) {
        drop(self.doors);
        for thread in self.threads {
            // A core that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

/// One core: serves what it is handed until shutdown.
async fn serve(
    worker: Arc<Worker>,
    mut accepted: mpsc::UnboundedReceiver<(TcpStream, Seat, Waits)>,
    tls: Option<TlsAcceptor>,
    drain: Duration,
) {
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            socket = accepted.recv() => match socket {
                Some((socket, seat, waits)) => {
                    worker.tasks.spawn(connection::serve(socket, seat, waits, Arc::clone(&worker), tls.clone()));
                }
                None => break,
            },
            _ = sweep.tick() => worker.pool.sweep(),
        }
    }
    let mut phase = worker.shared.phase.clone();
    let finished = tokio::select! {
        () = worker.tasks.finished() => true,
        () = tokio::time::sleep(drain) => false,
        _ = phase.wait_for(|phase| *phase == Phase::Cut) => false,
    };
    if !finished {
        tracing::warn!(
            tasks = worker.tasks.running(),
            "the time to finish what is in flight is over; the rest is cut"
        );
    }
}

/// Binds the listener.
///
/// # Errors
/// The address is taken or not ours.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart must not wait for the old connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Accepts until shutdown is draining, then whatever is still queued, then closes the listener.
///
/// # Errors
/// The listener cannot be watched.
pub(crate) async fn accept(
    listener: TcpListener,
    cores: &Cores,
    crowd: &Arc<Crowd>,
    mut phase: watch::Receiver<Phase>,
) -> std::io::Result<()> {
    let queue = listener.try_clone()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut turn = 0;
    let mut hand = |socket, seat| {
        cores.hand(socket, seat, turn);
        turn = turn.wrapping_add(1);
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = phase.wait_for(|phase| *phase >= Phase::Draining) => break,
        };
        // The socket leaves this runtime and joins the one of its core.
        match accepted.and_then(|(socket, _)| socket.into_std()) {
            Ok(socket) => tokio::select! {
                seat = crowd.seat() => hand(socket, seat),
                _ = phase.wait_for(|phase| *phase >= Phase::Draining) => break,
            },
            Err(error) => failed(&error).await,
        }
    }
    loop {
        match queue.accept() {
            // Who finds no place now would find none before the end.
            Ok((socket, _)) => drop(crowd.try_seat().map(|seat| hand(socket, seat))),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(_) => break,
        }
    }
    Ok(())
}

/// Out of file descriptors, most likely: connections in flight will free some.
async fn failed(error: &std::io::Error) {
    if matches!(
        error.kind(),
        std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::Interrupted
    ) {
        return;
    }
    tracing::warn!(%error, "cannot accept a connection; trying again");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_that_has_not_begun_with_what_it_was_handed_is_handed_no_more() {
        let (mut doors, mut rooms) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let (sockets, room) = mpsc::unbounded_channel();
            let (waiting, active) = (Arc::default(), Arc::default());
            doors.push(Door {
                sockets,
                waiting,
                active,
            });
            rooms.push(room);
        }
        let cores = Cores {
            doors,
            threads: Vec::new(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let crowd = Crowd::new(100, 100);
        let mut turn = 0;
        let mut hand = || {
            let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            cores.hand(socket, crowd.try_seat().unwrap(), turn);
            turn += 1;
        };
        // The second core has most requests and begins with what it is handed; the first stands still.
        cores.doors[1].active.store(10, Ordering::Relaxed);
        for _ in 0..20 {
            hand();
            drop(rooms[1].try_recv());
        }
        assert_eq!(rooms[0].len(), 1);
    }
}
