//! What counters are kept in: embedded, Valkey. The one place of their I/O.
