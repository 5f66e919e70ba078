//! How the page is divided: which figures stand in which table.

/// A table of the page.
pub(crate) struct Section {
    /// The scenario whose figures it holds.
    pub(crate) scenario: &'static str,
    /// Its heading.
    pub(crate) title: &'static str,
    /// What each figure is called in it; those that were not taken are left out.
    pub(crate) columns: &'static [(&'static str, &'static str)],
}

const CPU: (&str, &str) = ("cpu", "CPU, us");
const RATE: (&str, &str) = ("rate", "requests/s");
const P50: (&str, &str) = ("p50", "p50, ms");
const P99: (&str, &str) = ("p99", "p99, ms");
const ERRORS: (&str, &str) = ("errors", "errors");
const RESIDENT: (&str, &str) = ("resident", "resident, MB");

const COST: &[(&str, &str)] = &[CPU, ("cpu_x", "x the first"), RATE, P50, P99, ERRORS];
const WHOLE: &[(&str, &str)] = &[
    CPU,
    ("cpu_x", "x the first"),
    RATE,
    P50,
    P99,
    ERRORS,
    ("resident", "idle, MB"),
    ("resident_after", "after load, MB"),
    ("resident_most", "most, MB"),
];
const LATENCY: &[(&str, &str)] = &[
    P50,
    ("p50_more", "p50 more, ms"),
    P99,
    ("p99_more", "p99 more, ms"),
    CPU,
    RATE,
    ERRORS,
];
const THROUGHPUT: &[(&str, &str)] = &[RATE, ("rate_x", "x with 256"), CPU, P50, P99, ERRORS];
const DELAYS: &[(&str, &str)] = &[
    ("first_p50", "first p50, ms"),
    ("first_p50_more", "more"),
    ("first_p99", "first p99, ms"),
    ("chunk_p50", "chunk p50, ms"),
    ("chunk_p50_more", "more"),
    ("chunk_p99", "chunk p99, ms"),
    CPU,
    ERRORS,
];
const SWAP: &[(&str, &str)] = &[
    P50,
    P99,
    ("p99_x", "p99 x still"),
    CPU,
    ("swaps", "swaps"),
    ERRORS,
];
const IDLE: &[(&str, &str)] = &[
    ("streams", "streams"),
    ("per_stream", "KB a stream"),
    RESIDENT,
    ("busy", "of a core, %"),
];
const START: &[(&str, &str)] = &[
    ("ready", "ready, s"),
    RESIDENT,
    ("resident_most", "most, MB"),
];
const BINARY: &[(&str, &str)] = &[
    ("size", "stripped, MB"),
    ("size_unstripped", "as built, MB"),
];
const ON: &[(&str, &str)] = &[
    ("spans", "spans exported"),
    ("spans_dropped", "spans dropped"),
    ("entries", "entries of the request log on disk"),
    ("entries_dropped", "entries dropped"),
    ("lines_dropped", "access lines dropped"),
];
const OTHERS: &[(&str, &str)] = &[CPU, ("cpu_x", "x nginx"), RATE, P50, P99, ERRORS, RESIDENT];

const fn section(
    scenario: &'static str,
    title: &'static str,
    columns: &'static [(&'static str, &'static str)],
) -> Section {
    Section {
        scenario,
        title,
        columns,
    }
}

/// All tables, in the order of the page.
pub(crate) const SECTIONS: &[Section] = &[
    section("whole", "Whole answers, a prompt of 0.3 KB", WHOLE),
    section("on", "What was on meanwhile", ON),
    section("prompt", "Whole answers, a prompt of 100 KB", COST),
    section("burst", "Streams of 64 chunks in a burst", COST),
    section("paced", "Streams of 64 chunks, one each 10 ms", COST),
    section(
        "delays",
        "How long chunks are on their way, one each 10 ms",
        DELAYS,
    ),
    section("translated-whole", "Whole answers in other words", COST),
    section(
        "translated-burst",
        "Streams in other words, in a burst",
        COST,
    ),
    section("tls", "TLS on both sides", COST),
    section("latency-200", "Latency at 200 requests a second", LATENCY),
    section(
        "latency-5000",
        "Latency at 5,000 requests a second",
        LATENCY,
    ),
    section(
        "latency-60",
        "Latency at 60 % of what the gateway can",
        LATENCY,
    ),
    section("throughput", "Throughput, by connections", THROUGHPUT),
    section(
        "rules",
        "Beside so many rules that are looked at first",
        COST,
    ),
    section("keys", "Beside so many keys of which one asks", COST),
    section("keys-in-use", "So many keys that all ask in turn", COST),
    section("swap", "While the configuration changes every second", SWAP),
    section("failing", "One of two providers fails half the time", COST),
    section(
        "request-log",
        "The request log on disk, beside memory alone",
        COST,
    ),
    section("idle-1000", "1,000 streams in which nothing happens", IDLE),
    section(
        "idle-10000",
        "10,000 streams in which nothing happens",
        IDLE,
    ),
    section("start", "From the start until ready", START),
    section("binary", "The program", BINARY),
    section("others-whole", "Other gateways, whole answers", OTHERS),
    section("others-burst", "Other gateways, streams in a burst", OTHERS),
];

/// Scenarios whose ratio to nginx is in the chart.
pub(crate) const CHART: &[(&str, &str)] = &[
    ("whole", "whole 0.3 KB"),
    ("prompt", "whole 100 KB"),
    ("burst", "burst"),
    ("paced", "paced"),
    ("tls", "TLS"),
];
