//! What a server of a pool tells of its queue and its cache: a page of metrics in the text format of Prometheus, read line by line as it comes, so
//! that nothing of it has to be held.
//!
//! Sources: vLLM, <https://docs.vllm.ai/en/latest/usage/metrics/>; SGLang, <https://docs.sglang.ai/references/production_metrics.html>; llama.cpp's
//! server, `GET /metrics`; the format, <https://prometheus.io/docs/instrumenting/exposition_formats/>.

/// A longer line is none of those that are looked for.
const LINE_BYTES: usize = 4096;
/// What is counted at most: no server has so many requests.
const MOST: f64 = 1e6;

/// What a server tells.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Reading {
    /// How many requests it works on.
    pub running: u32,
    /// How many wait there until it can.
    pub waiting: u32,
    /// How much of its cache is taken by the requests that it works on, from 0 to 1; `None`: it does not tell.
    pub cache: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
enum Meaning {
    Running,
    Waiting,
    Cache,
}

/// A page that is being read.
#[derive(Debug, Default)]
pub(crate) struct Page {
    line: Vec<u8>,
    /// The line is too long, and passed over.
    skips: bool,
    running: Option<f64>,
    waiting: Option<f64>,
    cache: Option<f64>,
}

impl Page {
    /// Reads on.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while let Some(at) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(at);
            self.add(line);
            self.end_line();
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.add(bytes);
    }

    /// What it told; `None`: nothing that is known.
    pub(crate) fn finish(mut self) -> Option<Reading> {
        self.end_line();
        if self.running.is_none() && self.waiting.is_none() {
            return None;
        }
        Some(Reading {
            running: whole(self.running),
            waiting: whole(self.waiting),
            cache: self.cache.map(|share| share.min(1.0)),
        })
    }

    fn add(&mut self, bytes: &[u8]) {
        self.skips |= self.line.len() + bytes.len() > LINE_BYTES;
        if self.skips {
            self.line.clear();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self) {
        let found = std::str::from_utf8(&self.line).ok().and_then(sample);
        if let Some((meaning, value)) = found.filter(|_| !self.skips) {
            // A server has a line for each of its engines and models.
            match meaning {
                Meaning::Running => self.running = Some(self.running.unwrap_or(0.0) + value),
                Meaning::Waiting => self.waiting = Some(self.waiting.unwrap_or(0.0) + value),
                Meaning::Cache => self.cache = Some(self.cache.unwrap_or(0.0).max(value)),
            }
        }
        self.line.clear();
        self.skips = false;
    }
}

/// A line that tells something, and what.
fn sample(line: &str) -> Option<(Meaning, f64)> {
    let end = line.find(['{', ' ', '\t'])?;
    let (name, rest) = line.split_at(end);
    let meaning = match name {
        "vllm:num_requests_running"
        | "sglang:num_running_reqs"
        | "llamacpp:requests_processing" => Meaning::Running,
        "vllm:num_requests_waiting" | "sglang:num_queue_reqs" | "llamacpp:requests_deferred" => {
            Meaning::Waiting
        }
        "vllm:kv_cache_usage_perc" | "vllm:gpu_cache_usage_perc" | "sglang:token_usage" => {
            Meaning::Cache
        }
        _ => return None,
    };
    // What a label is called may hold anything but a line's end.
    let value = rest.rfind('}').and_then(|end| rest.get(end + 1..));
    let value = value.unwrap_or(rest).split_whitespace().next()?;
    let value: f64 = value.parse().ok()?;
    (0.0..=MOST).contains(&value).then_some((meaning, value))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is between 0 and MOST"
)]
fn whole(value: Option<f64>) -> u32 {
    value.unwrap_or(0.0).clamp(0.0, MOST) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(page: &str) -> Option<Reading> {
        let mut read = Page::default();
        read.push(page.as_bytes());
        read.finish()
    }

    const VLLM: &str = r#"# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="llama} 9"} 3.0
vllm:num_requests_running{engine="1",model_name="llama"} 2.0
vllm:num_requests_waiting{engine="0",model_name="llama"} 7.0 1395066363000
vllm:kv_cache_usage_perc{engine="0",model_name="llama"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="llama"} 0.75
vllm:request_success_total{engine="0",finished_reason="stop"} 1.0
"#;

    #[test]
    fn each_server_tells_in_its_own_words() {
        let of = |running, waiting, cache| Reading {
            running,
            waiting,
            cache,
        };
        assert_eq!(read(VLLM), Some(of(5, 7, Some(0.75))));
        let sglang = "sglang:num_running_reqs{model_name=\"m\"} 4\nsglang:num_queue_reqs{model_name=\"m\"} 1\nsglang:token_usage{model_name=\"m\"} 0.28";
        assert_eq!(read(sglang), Some(of(4, 1, Some(0.28))));
        let llama = "llamacpp:requests_processing 2\nllamacpp:requests_deferred 3\n";
        assert_eq!(read(llama), Some(of(2, 3, None)));
    }

    #[test]
    fn it_is_the_same_however_the_page_is_cut() {
        let whole = read(VLLM);
        for size in 1..80 {
            let mut page = Page::default();
            for piece in VLLM.as_bytes().chunks(size) {
                page.push(piece);
            }
            assert_eq!(page.finish(), whole, "{size}");
        }
    }

    #[test]
    fn what_is_no_page_of_metrics_tells_nothing() {
        for page in [
            "",
            "<html>llamacpp:requests_processing 2</html>",
            "llamacpp:requests_processing NaN",
            "llamacpp:requests_processing -1",
            "llamacpp:requests_processing +Inf",
            "llamacpp:requests_processing 1e300",
            "llamacpp:requests_processing",
            "llamacpp:requests_processing_total 2",
            "sglang:token_usage 0.5",
        ] {
            assert_eq!(read(page), None, "{page}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_not_held() {
        let mut page = Page::default();
        for _ in 0..1000 {
            page.push(&[b'x'; 1024]);
            assert!(page.line.len() <= LINE_BYTES);
        }
        page.push(b" 2\nllamacpp:requests_processing 2\n");
        assert_eq!(page.finish().unwrap().running, 2);
    }

    #[test]
    fn more_than_there_can_be_is_cut() {
        let many = "llamacpp:requests_deferred 1000000\n".repeat(10_000);
        assert_eq!(read(&many).unwrap().waiting, 1_000_000);
    }
}
