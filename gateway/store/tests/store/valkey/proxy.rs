//! Stands between the counters and a server, and delays, cuts and withholds what they say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// What happens on the way.
#[derive(Default)]
pub(crate) struct Weather {
    /// At most so many milliseconds for each piece, by chance.
    pub(crate) delay: AtomicU64,
    /// Answers are withheld.
    pub(crate) mute: AtomicBool,
    /// Ends all connections there are.
    pub(crate) cut: Notify,
}

/// Listens for as long as the set lives; where, and the weather.
pub(crate) async fn proxy(target: u16, tasks: &mut JoinSet<()>) -> (u16, Arc<Weather>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let weather = Arc::new(Weather::default());
    let shared = weather.clone();
    let target = SocketAddr::from(([127, 0, 0, 1], target));
    let mut carried = JoinSet::new();
    let serve = async move {
        loop {
            let Ok((inward, _)) = listener.accept().await else {
                return;
            };
            carried.spawn(carry(inward, target, shared.clone()));
        }
    };
    tasks.spawn(serve);
    (port, weather)
}

async fn carry(inward: TcpStream, target: SocketAddr, weather: Arc<Weather>) {
    let Ok(outward) = TcpStream::connect(target).await else {
        return;
    };
    let (from_caller, to_caller) = inward.into_split();
    let (from_server, to_server) = outward.into_split();
    tokio::select! {
        () = relay(from_caller, to_server, &weather, false) => {}
        () = relay(from_server, to_caller, &weather, true) => {}
        () = weather.cut.notified() => {}
    }
}

async fn relay(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, weather: &Weather, answers: bool) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let most = weather.delay.load(Ordering::Relaxed);
        if most > 0 {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=most))).await;
        }
        while answers && weather.mute.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
