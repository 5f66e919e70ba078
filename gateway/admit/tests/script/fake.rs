//! As much of a server as the script calls: hashes, a clock, a run id.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use fairlead_admit::exchange::SCRIPT;
use mlua::{Function, Lua, MultiValue, Value, Variadic};

use crate::agree::Engine;

type Hashes = HashMap<String, BTreeMap<String, String>>;

#[derive(Default)]
struct Server {
    hashes: Hashes,
    now_ms: i64,
    run: String,
    /// The hashes that were read as a whole.
    read_whole: Vec<String>,
    /// Whether every write is refused.
    takes_no_writes: bool,
}

/// The script in an interpreter of its own, with the fake behind `redis.call`.
pub(crate) struct Fake {
    lua: Lua,
    script: Function,
    server: Rc<RefCell<Server>>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let lua = Lua::new();
        let server = Rc::new(RefCell::new(Server::default()));
        let behind = server.clone();
        let call = lua
            .create_function(move |lua, words: Variadic<Value>| {
                let words: Vec<String> = words.iter().map(word).collect();
                behind.borrow_mut().call(lua, &words)
            })
            .unwrap();
        let redis = lua.create_table().unwrap();
        redis.set("call", call.clone()).unwrap();
        redis.set("pcall", call).unwrap();
        lua.globals().set("redis", redis).unwrap();
        let script = lua.load(SCRIPT).into_function().unwrap();
        Self {
            lua,
            script,
            server,
        }
    }

    /// The hashes that were read as a whole since this was last asked.
    pub(crate) fn read_whole(&self) -> Vec<String> {
        std::mem::take(&mut self.server.borrow_mut().read_whole)
    }

    /// Refuses every write from now on, as a server does whose memory is full.
    pub(crate) fn takes_no_writes(&self) {
        self.server.borrow_mut().takes_no_writes = true;
    }
}

impl Engine for Fake {
    fn call(&mut self, keys: &[String], args: &[String], now_ms: i64, run: &str) -> Vec<String> {
        {
            let mut server = self.server.borrow_mut();
            server.now_ms = now_ms;
            run.clone_into(&mut server.run);
        }
        self.lua.globals().set("KEYS", keys).unwrap();
        self.lua.globals().set("ARGV", args).unwrap();
        self.script.call(()).unwrap()
    }
}

/// A number would be rounded on its way, so only strings are let through.
fn word(value: &Value) -> String {
    let Value::String(text) = value else {
        panic!("not a string: {value:?}");
    };
    text.to_str().unwrap().to_owned()
}

impl Server {
    fn call(&mut self, lua: &Lua, words: &[String]) -> mlua::Result<MultiValue> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let one = |value: Value| Ok(MultiValue::from_iter([value]));
        match words.as_slice() {
            ["TIME"] => {
                let (seconds, millis) = (self.now_ms / 1_000, self.now_ms % 1_000);
                let pair = [seconds.to_string(), (millis * 1_000).to_string()];
                one(Value::Table(lua.create_sequence_from(pair)?))
            }
            ["INFO", "server"] => {
                let text = format!("# Server\r\nrun_id:{}\r\ntcp_port:1\r\n", self.run);
                one(Value::String(lua.create_string(text)?))
            }
            ["HSET", ..] if self.takes_no_writes => {
                let refused = lua.create_table()?;
                refused.set("err", "OOM command not allowed")?;
                one(Value::Table(refused))
            }
            ["HGETALL", key] => {
                self.read_whole.push((*key).to_owned());
                let hash = self.hashes.get(*key).cloned().unwrap_or_default();
                let flat = hash.into_iter().flat_map(|(field, value)| [field, value]);
                one(Value::Table(lua.create_sequence_from(flat)?))
            }
            ["HGET", key, field] => match self.hashes.get(*key).and_then(|hash| hash.get(*field)) {
                Some(value) => one(Value::String(lua.create_string(value)?)),
                None => one(Value::Boolean(false)),
            },
            ["HSET", key, pairs @ ..] => {
                let hash = self.hashes.entry((*key).to_owned()).or_default();
                for pair in pairs.chunks_exact(2) {
                    hash.insert(pair[0].to_owned(), pair[1].to_owned());
                }
                one(Value::Integer(1))
            }
            ["HDEL", key, fields @ ..] => {
                let hash = self.hashes.entry((*key).to_owned()).or_default();
                fields.iter().for_each(|field| drop(hash.remove(*field)));
                one(Value::Integer(1))
            }
            ["HINCRBY", key, field, by] => {
                let hash = self.hashes.entry((*key).to_owned()).or_default();
                let value = hash.entry((*field).to_owned()).or_insert("0".to_owned());
                let sum: i64 = value.parse::<i64>().unwrap() + by.parse::<i64>().unwrap();
                *value = sum.to_string();
                one(Value::Integer(1))
            }
            ["PEXPIRE", _, ms] => {
                assert!(ms.parse::<i64>().unwrap() > 0);
                one(Value::Integer(1))
            }
            other => panic!("not expected of the script: {other:?}"),
        }
    }
}
