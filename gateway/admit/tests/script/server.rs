//! The script in a real server, with the clock and the run id that the test says. By hand: it needs one, and flushes nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use fairlead_admit::exchange::SCRIPT;

use crate::agree::{Engine, agree};

struct Server {
    stream: BufReader<TcpStream>,
    script: String,
    prefix: String,
}

impl Server {
    fn open(seed: u64) -> Self {
        let address = std::env::var("FAIRLEAD_VALKEY").unwrap_or("127.0.0.1:6379".to_owned());
        let script = SCRIPT
            .replace("redis.call('TIME')", "{ARGV[#ARGV - 2], ARGV[#ARGV - 1]}")
            .replace("redis.call('INFO', 'server')", "('run_id:' .. ARGV[#ARGV])")
            .replace("#ARGV == 4", "#ARGV == 7");
        Self {
            stream: BufReader::new(TcpStream::connect(address).unwrap()),
            script,
            prefix: format!("test:{seed}:{}:", fastrand::u64(..)),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn bulk(&mut self) -> String {
        let length: usize = self.line().strip_prefix('$').unwrap().parse().unwrap();
        let mut text = vec![0; length + 2];
        self.stream.read_exact(&mut text).unwrap();
        text.truncate(length);
        String::from_utf8(text).unwrap()
    }
}

impl Engine for Server {
    fn call(&mut self, keys: &[String], args: &[String], now_ms: i64, run: &str) -> Vec<String> {
        let mut words = vec!["EVAL".to_owned(), self.script.clone(), "2".to_owned()];
        words.extend(keys.iter().map(|key| format!("{}{key}", self.prefix)));
        words.extend(args.iter().cloned());
        words.push((now_ms / 1_000).to_string());
        words.push((now_ms % 1_000 * 1_000).to_string());
        words.push(run.to_owned());
        let mut text = format!("*{}\r\n", words.len());
        for word in &words {
            text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
        let head = self.line();
        let count = head.strip_prefix('*').unwrap_or_else(|| panic!("{head}"));
        (0..count.parse().unwrap()).map(|_| self.bulk()).collect()
    }
}

#[test]
#[ignore = "needs a server, at FAIRLEAD_VALKEY or 127.0.0.1:6379"]
fn a_server_says_what_the_book_says() {
    for seed in 0..40 {
        agree(&mut Server::open(seed), seed);
    }
}
