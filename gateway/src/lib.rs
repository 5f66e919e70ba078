//! The gateway: listen, pipeline, dispatch, attempt, relay, meter.
