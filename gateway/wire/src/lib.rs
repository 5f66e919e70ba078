//! What travels: JSON peeking and splicing, SSE framing, the shapes of each API. Pure.
