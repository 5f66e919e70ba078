//! What callers may ask for beside conversations in the words of somebody else: Responses as it came, embeddings of two dialects, images, sounds,
//! moderations, rankings.

mod embeddings;
mod media;
mod responses;
