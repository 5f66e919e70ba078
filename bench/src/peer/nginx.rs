//! nginx as the floor: what the least that a proxy can do costs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use super::{Peer, Plan, free_address};
use crate::helper::roomy;
use crate::world::World;

/// Starts nginx from the path, with a configuration of its own; nothing of the system's is read or written.
pub(crate) async fn start(world: &World, is_secure: bool) -> Result<Peer> {
    with_room(world, is_secure, 2048).await
}

/// The same with room for so many connections, which each worker lays by for itself.
pub(crate) async fn with_room(world: &World, is_secure: bool, connections: usize) -> Result<Peer> {
    let found = std::process::Command::new("nginx").arg("-v").output();
    ensure!(
        found.is_ok(),
        "nginx is not there; install the package nginx-light"
    );
    let (home, address) = (TempDir::new()?, free_address().await?);
    let configuration = configuration(world, home.path(), address, is_secure, connections);
    let config = home.path().join("nginx.conf");
    fs::write(&config, &configuration)?;
    let mut command = roomy("nginx");
    command
        .arg("-p")
        .arg(home.path())
        .arg("-c")
        .arg(&config)
        .args(["-e", "stderr"]);
    let plan = Plan {
        name: "nginx".to_owned(),
        command,
        address,
        admin: None,
        is_secure,
        headers: Vec::new(),
        configuration: configuration.replace(&home.path().display().to_string(), "HOME"),
        home,
        patience: Duration::from_secs(10),
    };
    plan.start().await
}

/// The same work as the gateway's, as far as a proxy does it: as many connections kept to the upstream as its callers open, room for a whole
/// body, streams passed on as they come (the upstream says `X-Accel-Buffering: no`), one line per request.
fn configuration(
    world: &World,
    home: &Path,
    listen: SocketAddr,
    is_secure: bool,
    connections: usize,
) -> String {
    let home = home.display();
    let upstream = world.upstream(is_secure);
    let (ssl, scheme, tls) = if is_secure {
        (" ssl", "https", tls(world))
    } else {
        ("", "http", String::new())
    };
    format!(
        "daemon off;
worker_processes 2;
pid {home}/nginx.pid;
error_log stderr warn;
events {{ worker_connections {connections}; }}
http {{
  access_log {home}/access.log combined buffer=64k flush=1s;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  client_body_buffer_size 1m;
  keepalive_requests 100000000;
  upstream provider {{
    server {upstream};
    keepalive 512;
    keepalive_requests 100000000;
  }}
  server {{
    listen {listen}{ssl} backlog=4096;
{tls}    location / {{
      proxy_pass {scheme}://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
    }}
  }}
}}
"
    )
}

/// As the gateway has it: version 1.3, and the upstream's certificate is verified.
fn tls(world: &World) -> String {
    let (certificate, key) = (&world.certificate.certificate, &world.certificate.key);
    let (certificate, key) = (certificate.display(), key.display());
    format!(
        "    ssl_protocols TLSv1.3;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    proxy_ssl_protocols TLSv1.3;
    proxy_ssl_trusted_certificate {certificate};
    proxy_ssl_verify on;
    proxy_ssl_name localhost;
"
    )
}
