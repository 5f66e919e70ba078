//! nginx as the floor: what the least that a proxy can do costs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// Starts nginx with a configuration of its own; nothing of the system's is read or written.
pub(super) fn start(home: &Path, listen: SocketAddr, upstream: SocketAddr) -> Result<Child> {
    let config = home.join("nginx.conf");
    fs::write(&config, configuration(home, listen, upstream))?;
    Command::new("nginx")
        .arg("-p")
        .arg(home)
        .arg("-c")
        .arg(&config)
        .args(["-e", "stderr"])
        .stdin(Stdio::null())
        .spawn()
        .context("nginx is not there; install the package nginx-light")
}

fn configuration(home: &Path, listen: SocketAddr, upstream: SocketAddr) -> String {
    let home = home.display();
    format!(
        "daemon off;
worker_processes 2;
pid {home}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  keepalive_requests 100000000;
  upstream provider {{
    server {upstream};
    keepalive 64;
    keepalive_requests 100000000;
  }}
  server {{
    listen {listen};
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
    }}
  }}
}}
"
    )
}
