//! What stands before the gateways, as a Service does.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::site::PORT;

/// Passes connections on to the gateways that are ready, one after the other.
pub(crate) async fn relayed(listener: TcpListener, ready: Arc<Mutex<Vec<IpAddr>>>) {
    let (mut turn, mut under_way) = (0_usize, JoinSet::new());
    while let Ok((mut caller, _)) = listener.accept().await {
        turn = turn.wrapping_add(1);
        let target = {
            let ready = ready.lock();
            ready.get(turn % ready.len().max(1)).copied()
        };
        let Some(target) = target else { continue };
        while under_way.try_join_next().is_some() {}
        under_way.spawn(async move {
            if let Ok(mut gateway) = TcpStream::connect((target, PORT)).await {
                // How it ends is seen by the caller.
                let _ = tokio::io::copy_bidirectional(&mut caller, &mut gateway).await;
            }
        });
    }
}
