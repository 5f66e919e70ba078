//! The questions of a filter in SQL, for both stores: they differ in few words, and only texts are parameters.

use std::fmt::Write as _;

use crate::cursor::Cursor;
use crate::filter::Filter;
use crate::hex;
use crate::outcome::Outcome;
use crate::rollup::{DAY, HOUR};
use crate::row::READ;
use crate::scope::Scope;
use crate::usage::{By, LARGEST_USAGE, Sums, UsageAsk};

/// Which SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    #[cfg(feature = "sqlite")]
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

impl Dialect {
    fn hole(self, number: usize) -> String {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => format!("?{number}"),
            #[cfg(feature = "postgres")]
            Self::Postgres => format!("${number}"),
        }
    }

    /// Where a text in ASCII lower case stands in a column.
    fn stands_in(self, column: &str, hole: &str) -> String {
        match self {
            // It folds ASCII letters only.
            #[cfg(feature = "sqlite")]
            Self::Sqlite => format!("instr(lower({column}), {hole}) > 0"),
            // So it does under this collation.
            #[cfg(feature = "postgres")]
            Self::Postgres => {
                format!("strpos(lower({column} COLLATE \"C\"), {hole}) > 0")
            }
        }
    }

    fn user_agent(self) -> &'static str {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => "json_extract(detail, '$.user_agent')",
            #[cfg(feature = "postgres")]
            Self::Postgres => "(detail->>'user_agent')",
        }
    }

    /// The namespace of a key.
    fn namespace(self) -> &'static str {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => "substr(api_key, 1, instr(api_key, '/') - 1)",
            #[cfg(feature = "postgres")]
            Self::Postgres => "split_part(api_key, '/', 1)",
        }
    }

    /// What stands in the detail where one of its attempts ended with an outcome: a condition and its parameter.
    fn attempted(self, outcome: &str, hole: &str) -> (String, String) {
        let word = serde_json::Value::from(outcome);
        match self {
            // A quotation mark within a text is written with a backslash: only a field of ours can look so.
            #[cfg(feature = "sqlite")]
            Self::Sqlite => (
                format!("instr(detail, {hole}) > 0"),
                format!("\"outcome\":{word}"),
            ),
            #[cfg(feature = "postgres")]
            Self::Postgres => (
                format!("detail @> CAST({hole} AS jsonb)"),
                format!("{{\"attempts\":[{{\"outcome\":{word}}}]}}"),
            ),
        }
    }

    fn traced(self, trace: [u8; 16]) -> String {
        let digits = hex::text(&trace);
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => format!("json_extract(detail, '$.trace.id') = '{digits}'"),
            #[cfg(feature = "postgres")]
            Self::Postgres => format!("(detail->'trace'->>'id') = '{digits}'"),
        }
    }
}

/// A question and the texts that belong into its holes.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) text: String,
    pub(crate) values: Vec<String>,
    dialect: Dialect,
    conditions: usize,
}

impl Query {
    fn new(dialect: Dialect, text: String) -> Self {
        Self {
            text,
            values: Vec::new(),
            dialect,
            conditions: 0,
        }
    }

    fn hole(&mut self, value: String) -> String {
        self.values.push(value);
        self.dialect.hole(self.values.len())
    }

    fn and(&mut self, condition: &str) {
        let word = if self.conditions == 0 {
            " WHERE "
        } else {
            " AND "
        };
        self.conditions += 1;
        self.text.push_str(word);
        self.text.push_str(condition);
    }

    fn is(&mut self, column: &str, value: Option<&crate::Name>) {
        if let Some(value) = value {
            let hole = self.hole(value.to_string());
            self.and(&format!("{column} = {hole}"));
        }
    }

    fn least(&mut self, column: &str, least: Option<i64>) {
        if let Some(least) = least {
            self.and(&format!("{column} >= {least}"));
        }
    }

    fn scope(&mut self, scope: &Scope) {
        match scope {
            Scope::All => {}
            Scope::Key(key) => {
                self.and("api_key <> ''");
                self.is("api_key", Some(key));
            }
            Scope::Namespaces(namespaces) if namespaces.is_empty() => self.and("1 = 0"),
            Scope::Namespaces(namespaces) => {
                let holes: Vec<_> = namespaces
                    .iter()
                    .map(|namespace| self.hole(namespace.to_string()))
                    .collect();
                let own = self.dialect.namespace();
                // In SQLite a text without a slash has a piece that is empty, as has no namespace.
                self.and(&format!("{own} IN ({})", holes.join(", ")));
            }
        }
    }

    fn text(&mut self, needle: String) {
        let hole = self.hole(needle);
        let agent = self.dialect.user_agent();
        let columns = [
            "api_key",
            "model",
            "provider",
            "upstream_model",
            "rule",
            "error",
            agent,
        ];
        let any = columns.map(|column| self.dialect.stands_in(column, &hole));
        self.and(&format!("({})", any.join(" OR ")));
    }

    fn class(&mut self, class: &str) {
        let error = self.hole(class.to_owned());
        let hole = self.dialect.hole(self.values.len() + 1);
        let (condition, value) = self.dialect.attempted(class, &hole);
        self.values.push(value);
        self.and(&format!("(error = {error} OR {condition})"));
    }
}

/// The entries of a filter after a place, the latest first, `limit` at most.
pub(crate) fn search(
    dialect: Dialect,
    table: &str,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Query {
    let mut query = Query::new(dialect, format!("SELECT {READ} FROM {table}"));
    query.scope(&filter.scope);
    query.least("started", filter.from_unix_us);
    if let Some(to) = filter.to_unix_us {
        query.and(&format!("started < {to}"));
    }
    if let Some(Cursor {
        started_unix_us,
        id,
    }) = after
    {
        // The first says which partitions are not needed, the second is exact.
        query.and(&format!("started <= {started_unix_us}"));
        query.and(&format!("(started, id) < ({started_unix_us}, {id})"));
    }
    query.is("api_key", filter.key.as_ref());
    query.is("team", filter.team.as_ref());
    query.is("model", filter.model.as_ref());
    query.is("provider", filter.provider.as_ref());
    query.is("upstream_model", filter.upstream_model.as_ref());
    query.is("rule", filter.rule.as_ref());
    if let Some(outcome) = filter.outcome {
        if outcome != Outcome::Ok {
            // In the very words of the index that has only these.
            query.and("outcome > 0");
        }
        query.and(&format!("outcome = {}", outcome.code()));
    }
    if let Some(status) = filter.status {
        query.and(&format!("status = {status}"));
    }
    query.least("cost", filter.min_cost_nanos);
    let duration = filter.min_duration_us.map(crate::rollup::signed);
    query.least("duration", duration);
    if let Some(id) = filter.id {
        query.and(&format!("id = {}", id.cast_signed()));
    }
    if let Some(trace) = filter.trace {
        query.and(&dialect.traced(trace));
    }
    if let Some(class) = &filter.class {
        query.class(class);
    }
    if let Some(needle) = filter.needle() {
        query.text(needle);
    }
    let _ = write!(query.text, " ORDER BY started DESC, id DESC LIMIT {limit}");
    query
}

/// Sums out of roll-ups: what the row is of, in five columns, and the sums.
pub(crate) fn usage(dialect: Dialect, table: &str, ask: &UsageAsk) -> Query {
    let by = |by: By| ask.by.contains(&by);
    let start = if by(By::Hour) {
        "hour".to_owned()
    } else if by(By::Day) {
        format!("hour / {DAY} * {DAY}")
    } else {
        String::new()
    };
    let name = |of: By, column: &str| if by(of) { column } else { "" }.to_owned();
    let groups = [
        start,
        name(By::Team, "team"),
        name(By::Key, "api_key"),
        name(By::Provider, "provider"),
        name(By::Model, "model"),
    ];
    let of = |group: &String, none: &str| {
        if group.is_empty() {
            none.to_owned()
        } else {
            group.clone()
        }
    };
    let mut columns = vec![of(&groups[0], "CAST(NULL AS BIGINT)")];
    columns.extend(
        groups[1..]
            .iter()
            .map(|group| of(group, "CAST(NULL AS TEXT)")),
    );
    columns.extend(Sums::COLUMNS.map(|sum| format!("CAST(SUM({sum}) AS BIGINT)")));
    let mut query = Query::new(
        dialect,
        format!("SELECT {} FROM {table}", columns.join(", ")),
    );
    query.scope(&ask.scope);
    query.least(
        "hour",
        ask.from_unix_s.map(|from| from.div_euclid(HOUR) * HOUR),
    );
    if let Some(to) = ask.to_unix_s {
        query.and(&format!("hour < {to}"));
    }
    query.is("team", ask.team.as_ref());
    query.is("api_key", ask.key.as_ref());
    query.is("provider", ask.provider.as_ref());
    query.is("model", ask.model.as_ref());
    let asked: Vec<_> = groups
        .into_iter()
        .filter(|group| !group.is_empty())
        .collect();
    if asked.is_empty() {
        // Without this, sums over nothing would be a row.
        query.text.push_str(" HAVING COUNT(*) > 0");
    } else {
        let asked = asked.join(", ");
        let _ = write!(
            query.text,
            " GROUP BY {asked} ORDER BY {asked} LIMIT {LARGEST_USAGE}"
        );
    }
    query
}

/// The columns of a roll-up's table, as it is made.
pub(crate) fn usage_columns(text: &str, number: &str) -> String {
    let names = ["team", "api_key", "provider", "model"];
    let names = names.map(|name| format!("{name} {text} NOT NULL"));
    let sums = Sums::COLUMNS.map(|sum| format!("{sum} {number} NOT NULL"));
    format!(
        "hour {number} NOT NULL, {}, {}, PRIMARY KEY (hour, team, api_key, provider, model)",
        names.join(", "),
        sums.join(", ")
    )
}

/// How sums are added to what is there: put after the rows.
pub(crate) fn usage_added(table: &str) -> String {
    let sums = Sums::COLUMNS.map(|sum| format!("{sum} = {table}.{sum} + excluded.{sum}"));
    format!(
        "ON CONFLICT (hour, team, api_key, provider, model) DO UPDATE SET {}",
        sums.join(", ")
    )
}

/// The names of a roll-up's columns.
pub(crate) fn usage_names() -> String {
    format!(
        "hour, team, api_key, provider, model, {}",
        Sums::COLUMNS.join(", ")
    )
}
