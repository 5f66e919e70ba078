// What the API says: console/src/view and gateway/record have the words to each.

export interface Who { name: string; holder: boolean; namespaces?: string[]; pages: string[] }

export interface Welcome { token: string; hint: string; holders: boolean }

export interface Tokens { input: number | null; output: number | null; cache_read: number | null; cache_write: number | null; reasoning: number | null; estimated: boolean }
export interface Cost { nanos: number; estimated: boolean }

export interface Attempt {
  target: string; provider: string | null; model: string; credential: string | null; server: string | null; address: string | null;
  outcome: string; sent: boolean; status: number | null; resend: number; hedge: boolean;
  started_us: number; queued_us: number; first_content_us: number | null; ended_us: number;
  response_id: string | null; response_model: string | null; tokens: Tokens | null; cost: Cost | null; dropped: string | null; clamped: number | null;
}

export interface Entry {
  id: string; started_unix_us: number; duration_us: number; first_content_us: number | null;
  method: string | null; route: string | null; operation: string | null; surface: string; stream: boolean;
  key: string | null; team: string | null; model: string | null; rule: string | null; constraints: string[]; chosen_by: string | null;
  attempts: Attempt[]; trace: { id: string; sampled: boolean } | null; status: number; error: string | null; complete: boolean;
  finish_reason: string | null; tokens: Tokens | null; cost: Cost | null; budget: string | null;
  request_bytes: number; response_bytes: number; user_agent: string | null; tags: { name: string; value: string }[]; generation: number;
}

export interface Page { entries: Entry[]; next: string | null }

export interface Filter {
  from_unix_us?: number; to_unix_us?: number; key?: string; team?: string; model?: string; provider?: string; rule?: string;
  outcome?: string; class?: string; text?: string;
}

export interface Usage {
  start_unix_s?: number; team?: string; key?: string; provider?: string; model?: string;
  requests: number; recovered: number; refused: number; failed: number; incomplete: number;
  input_tokens: number; cache_read_tokens: number; output_tokens: number; cost_nanos: number; unpriced: number; estimated: number;
}

export interface Standing {
  generation: number; digest: string; source: string | null; problem: string | null; objectsNotOk: number;
  gateways: { name: string; generation: number; ready: boolean; storeReachable: boolean; storeProblem: string | null }[];
  callersAt: string | null; log: { keptIn: string; reach: string; dropped: number }; readOnly: boolean;
}

export interface Series {
  stepS: number; startUnixS: number[]; requests: number[]; failed: number[]; refused: number[]; recovered: number[]; costNanos: number[];
  firstContentP95Ms: (number | null)[]; firstContentP95AllMs: number | null;
}

export interface Overview { standing: Standing; pulse: Series; failures: Entry[]; logProblem: string | null }

export interface Guarded {
  state: string; forMs: number | null; consecutiveFailures: number; last10s: { requests: number; failures: number }; lastFailure: string | null;
}
export interface ModelHealth extends Guarded {
  firstContentP95Ms: { streams: number | null; whole: number | null }; inFlight: number; waiting: number;
  credentials: Record<string, { state: string; forMs: number | null }>;
}
export interface HealthReport {
  connections: Guarded; models: Record<string, ModelHealth>; inFlight: number; queued: number; limit: number | null;
  servers: Record<string, Guarded & { inFlight: number }> | null;
}
export interface Provider {
  name: string; vendor: string; address: string | null; models: string[] | null; credentials: { name: string; usable: boolean }[];
  rules: string[]; health: { gateway: string; report: HealthReport | null }[];
}

export interface Target { name: string; provider: string; model: string | null; weight: number; on: string[]; problem: string | null }
export interface Rule {
  name: string; overrides: boolean; scope: string; priority: number; models: string[]; when: string | null; strategy: string;
  constrains: string | null; targets: Target[]; fallbacks: Target[]; traits: string[]; conditionErrors: number; form: Form | null;
}

export interface Limit {
  level: string; holder: string; name: string; kind: string; unit: string; limit: string; used: string; remaining: string;
  window: [string, string] | null; perSeconds: string | null;
}
export interface Key {
  name: string; team: string | null; organization: string | null; presentedAs: string; refused: string | null; expiresUnixS: number | null;
  previousUntilUnixS: number | null; models: string[] | null; providers: string[] | null; networks: string[];
}
export interface Keys { keys: Key[]; limits: Limit[]; unread: string[]; total: number }
export interface Mine { key: Key; models: string[]; limits: Limit[]; usage: Usage[]; callersAt: string | null }

export interface Explained {
  rules: { rule: string; verdict: string; words: string }[]; taken: string | null; chosenBy: string | null;
  steps: { target: string; provider: string | null; model: string; fallback: boolean; on: string[]; problem: string | null; breaker: string | null }[];
  refused: string | null; notes: string[]; limits: Limit[];
}

export interface Finding { path: string; line: number | null; reason: string; message: string }
export interface ConfigObject { kind: string; name: string; file: string | null; inForce: string; faults: Finding[]; unresolved: Finding[]; notes: Finding[] }
export interface Configuration { counts: Record<string, number>; objects: ConfigObject[] }

export interface CatalogRow {
  vendor: string; model: string; kind: string; window: number | null; maxOutput: number | null; input: string | null; cached: string | null;
  output: string | null; can: string[]; retires: string | null;
}
export interface CatalogPage { models: CatalogRow[]; total: number; vendors: string[] }

export interface FormTarget { name: string; provider: string; model: string; weight?: number | null; on: string[] }
export interface Form {
  namespace: string; name: string; priority?: number | null; scope: string; scopeName: string; scopeNamespace: string; models: string[]; when: string; strategy: string;
  targets: FormTarget[]; fallbacks: FormTarget[];
}
export interface Built {
  yaml: string; seen: string; offer: { dryRun: boolean; version: string | null; whyNot: string | null } | null; live: string | null; findings: Finding[]; effect: { lookedAt: number; moved: number; moves: [string, string, number][]; unjudged: number };
}
export interface Applied { name: string; generation: number; words: string; waits: boolean }
