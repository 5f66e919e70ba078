//! CEL conditions: parsed and bounded at compile, evaluated per request. Pure.
