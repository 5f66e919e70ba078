//! Calls of the script: many in one pipeline, each for one account.

use fairlead_admit::exchange::{Account, Reply, Totals};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};
use std::sync::LazyLock;

use super::connect::Connection;
use crate::place::{Call, Fault};

/// The script, and the digest by which it is called.
static SCRIPT: LazyLock<redis::Script> = LazyLock::new(|| redis::Script::new(SOURCE));
const SOURCE: &str = fairlead_admit::exchange::SCRIPT;

/// What the store says to each call.
pub(super) async fn exchange(
    connection: &Connection,
    prefix: &str,
    calls: &[Call],
) -> Vec<Result<Reply, Fault>> {
    let commands = calls
        .iter()
        .map(|call| command(&call.account, &call.ask.arguments(&call.account), prefix));
    let values = run(connection, commands.collect()).await;
    let read = |value| Reply::read(&strings(value)?).ok_or_else(unreadable);
    values
        .into_iter()
        .map(|value| value.and_then(read))
        .collect()
}

/// What each account holds, without taking part in it.
pub(super) async fn look(
    connection: &Connection,
    prefix: &str,
    accounts: &[Account],
) -> Vec<Result<Totals, Fault>> {
    let commands = accounts
        .iter()
        .map(|account| command(account, &account.look(), prefix));
    let values = run(connection, commands.collect()).await;
    let read = |value| Totals::read(&strings(value)?).ok_or_else(unreadable);
    values
        .into_iter()
        .map(|value| value.and_then(read))
        .collect()
}

/// The arguments of one call, without how the script is named.
struct Command {
    keys: [String; 2],
    arguments: Vec<String>,
}

fn command(account: &Account, arguments: &[String], prefix: &str) -> Command {
    Command {
        keys: account.keys(prefix),
        arguments: arguments.to_vec(),
    }
}

impl Command {
    fn by(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len());
        command.arg(&self.keys).arg(&self.arguments);
        command
    }
}

/// Runs the script by its digest, and where the server does not have it, by its text, which it keeps.
async fn run(connection: &Connection, commands: Vec<Command>) -> Vec<Result<Value, Fault>> {
    let digest = SCRIPT.get_hash();
    let by_digest: Vec<_> = commands
        .iter()
        .map(|command| command.by("EVALSHA", digest))
        .collect();
    let mut values = send(connection, by_digest).await;
    let missing: Vec<_> = (0..values.len())
        .filter(|at| matches!(&values[*at], Err(error) if lacks_script(error)))
        .collect();
    if !missing.is_empty() {
        let by_text = missing
            .iter()
            .map(|at| commands[*at].by("EVAL", SOURCE))
            .collect();
        for (at, value) in missing.iter().zip(send(connection, by_text).await) {
            values[*at] = value;
        }
    }
    // Of a cluster one node is not the whole: the library finds it again, or the one that took its place.
    let whole = matches!(connection, Connection::One(_));
    let failed = |error| match fault(&error) {
        Fault::Link(problem) if whole => Fault::Link(problem),
        Fault::Link(problem) | Fault::Call(problem) => Fault::Call(problem),
    };
    let values = values.into_iter();
    values.map(|value| value.map_err(failed)).collect()
}

async fn send(connection: &Connection, commands: Vec<Cmd>) -> Vec<Result<Value, RedisError>> {
    match connection {
        Connection::One(one) => pipelined(one.clone(), &commands).await,
        // Accounts stand on different nodes: each finds its own.
        Connection::Cluster(cluster) => {
            let each = commands
                .into_iter()
                .map(|command| routed(cluster.clone(), command));
            futures_util::future::join_all(each).await
        }
    }
}

async fn pipelined(
    mut connection: MultiplexedConnection,
    commands: &[Cmd],
) -> Vec<Result<Value, RedisError>> {
    let mut pipeline = Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command.clone());
    }
    let sent = connection.req_packed_commands(&pipeline, 0, commands.len());
    match sent.await {
        Ok(values) if values.len() == commands.len() => {
            values.into_iter().map(Value::extract_error).collect()
        }
        Ok(_) => refuse(commands, &broken()),
        Err(error) => refuse(commands, &error),
    }
}

async fn routed(mut connection: ClusterConnection, command: Cmd) -> Result<Value, RedisError> {
    connection
        .req_packed_command(&command)
        .await
        .and_then(Value::extract_error)
}

fn refuse(commands: &[Cmd], error: &RedisError) -> Vec<Result<Value, RedisError>> {
    commands.iter().map(|_| Err(error.clone())).collect()
}

fn broken() -> RedisError {
    RedisError::from((ErrorKind::Parse, "other answers than questions"))
}

fn lacks_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

fn strings(value: Value) -> Result<Vec<String>, Fault> {
    redis::from_redis_value(value).map_err(|_| unreadable())
}

fn unreadable() -> Fault {
    Fault::Call("the script's answer cannot be read".to_owned())
}

/// Whether only this call failed, or the connection leads nowhere any more.
fn fault(error: &RedisError) -> Fault {
    let text = error.to_string();
    // Out of memory, a disk that is full, too few replicas, the script itself: another connection would not help.
    let refused = matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::ResponseError) | ErrorKind::Extension
    );
    match error.code() {
        Some("NOAUTH" | "WRONGPASS") => Fault::Link(text),
        _ if refused => Fault::Call(text),
        _ => Fault::Link(text),
    }
}
