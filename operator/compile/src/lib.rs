//! Custom resources -> snapshot and a verdict per object. Pure.
