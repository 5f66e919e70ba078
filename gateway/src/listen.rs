//! One listener; each accepted socket goes to the core with the fewest requests in flight.
//!
//! Separate listeners per core (`SO_REUSEPORT`) would leave cores idle under few connections and reset queued handshakes when closed.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::connection;
use crate::router::router;
use crate::worker::{Phase, Shared, Worker};

/// How often each core drops connections that have been idle too long.
const SWEEP: Duration = Duration::from_secs(10);

/// The cores, and the way to hand them connections.
#[derive(Debug)]
pub struct Cores {
    doors: Vec<Door>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Door {
    sockets: mpsc::UnboundedSender<TcpStream>,
    active: Arc<AtomicUsize>,
}

impl Cores {
    /// Starts `count` cores, each a thread with a runtime of its own. They end when they are closed and idle, or `drain` after the phase
    /// became [`Phase::Draining`].
    ///
    /// # Errors
    /// A thread or its runtime could not be started.
    pub fn start(
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
            cores.doors.push(Door { sockets, active });
        }
        Ok(cores)
    }

    /// Hands a connection to the core with the fewest requests in flight.
    fn hand(&self, socket: TcpStream, turn: usize) {
        // Equally busy cores take turns.
        let doors = (0..self.doors.len()).map(|at| &self.doors[(at + turn) % self.doors.len()]);
        if let Some(door) = doors.min_by_key(|door| door.active.load(Ordering::Relaxed)) {
            // A core that has ended takes nothing more, and the socket closes.
            let _ = door.sockets.send(socket);
        }
    }

    /// Takes no more connections and waits for every core to end.
    pub fn join(self) {
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
    mut accepted: mpsc::UnboundedReceiver<TcpStream>,
    tls: Option<TlsAcceptor>,
    drain: Duration,
) {
    let service = router(Arc::clone(&worker));
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            socket = accepted.recv() => match socket {
                Some(socket) => worker.tasks.spawn(connection::serve(socket, Arc::clone(&worker), service.clone(), tls.clone())),
                None => break,
            },
            _ = sweep.tick() => worker.pool.sweep(),
        }
    }
    drop(service);
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
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
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
pub async fn accept(
    listener: TcpListener,
    cores: &Cores,
    mut phase: watch::Receiver<Phase>,
) -> std::io::Result<()> {
    let queue = listener.try_clone()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut turn = 0;
    let mut hand = |socket| {
        cores.hand(socket, turn);
        turn = turn.wrapping_add(1);
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = phase.wait_for(|phase| *phase >= Phase::Draining) => break,
        };
        // The socket leaves this runtime and joins the one of its core.
        match accepted.and_then(|(socket, _)| socket.into_std()) {
            Ok(socket) => hand(socket),
            Err(error) => failed(&error).await,
        }
    }
    loop {
        match queue.accept() {
            Ok((socket, _)) => hand(socket),
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
