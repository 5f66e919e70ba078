//! Which configuration is in force, and how the gateways are.

use fairlead_console::view::standing::{GatewayView, Standing};
use fairlead_console::{Reach, Trouble, Viewer};

use super::cluster::Cluster;
use super::fleet::{Config, Gateway, Seen};
use crate::args::console::ApplyMode;

/// How it stands.
///
/// # Errors
/// It is not known what gateways are to enforce.
pub(super) async fn told(cluster: &Cluster, viewer: &Viewer) -> Result<Standing, Trouble> {
    let parts = &cluster.parts;
    let live = cluster.live()?;
    let seen = parts.fleet.look().await;
    let rights = &viewer.rights;
    let everything = rights.health == Reach::All;
    let sees_gateways = !rights.health.is_empty();
    let gateways = seen.gateways.iter().filter(|_| sees_gateways);
    let digest = seen.gateways.iter().find_map(|gateway| {
        let config = gateway.said.as_ref().ok()?;
        (config.generation == live.number).then(|| config.digest.clone())
    });
    let reading = parts.published.trouble();
    let reading = reading
        .map(|why| format!("a newer configuration may be published, and cannot be read: {why}"));
    // What others' requests come to is nothing that somebody should know who does not see them.
    let skipped = match &rights.requests {
        Reach::All => parts.told.skipped.get(),
        Reach::Namespaces(_) => 0,
    };
    Ok(Standing {
        generation: live.number,
        digest: digest.unwrap_or_default(),
        source: Some("published".to_owned()),
        problem: reading.or_else(|| lag(&seen, live.number).filter(|_| sees_gateways)),
        objects_not_ok: parts.objects.not_ok(&rights.rules),
        gateways: gateways.map(|one| view(one, everything)).collect(),
        callers_at: parts.callers_at.clone(),
        log: parts.log.view(skipped),
        read_only: parts.writer.mode != ApplyMode::On,
    })
}

/// One gateway. `everything`: whether the viewer may read what is wrong with its store, which names places of the platform.
fn view(gateway: &Gateway, everything: bool) -> GatewayView {
    let name = gateway.name.clone();
    match &gateway.said {
        Ok(config) => GatewayView {
            name,
            generation: config.generation,
            ready: gateway.ready,
            store_reachable: config.store.reachable,
            store_problem: config.store.problem.clone().map(|problem| {
                if everything {
                    problem
                } else {
                    "its counters cannot be reached; tell the platform team".to_owned()
                }
            }),
        },
        Err(why) => GatewayView {
            name,
            generation: 0,
            ready: false,
            store_reachable: false,
            store_problem: Some(format!("it does not say how it is: {why}")),
        },
    }
}

/// Which gateway is not where it should be: one that enforces an older generation, or what it had before it began anew.
fn lag(seen: &Seen, live: u64) -> Option<String> {
    let is_behind =
        |config: &Config| config.generation < live || config.source.as_deref() == Some("last-good");
    let said = seen.gateways.iter();
    let said = said.filter_map(|gateway| Some((&gateway.name, gateway.said.as_ref().ok()?)));
    let mut behind = said.filter(|(_, config)| is_behind(config));
    let (name, config) = behind.next()?;
    let others = match behind.count() {
        0 => String::new(),
        others => format!(", and {others} more are behind"),
    };
    let why = config.error.as_ref();
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let at = config.generation;
    Some(format!(
        "gateway {name} enforces {at}, live is {live}{others}{why}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(name: &str, generation: u64) -> Gateway {
        Gateway {
            name: name.to_owned(),
            ready: true,
            said: Ok(Config {
                generation,
                ..Config::default()
            }),
        }
    }

    #[test]
    fn a_gateway_that_is_behind_is_named() {
        let seen = |gateways| Seen {
            gateways,
            ..Seen::default()
        };
        assert_eq!(lag(&seen(vec![gateway("a", 7), gateway("b", 7)]), 7), None);
        let behind = seen(vec![gateway("a", 7), gateway("b", 5), gateway("c", 6)]);
        assert_eq!(
            lag(&behind, 7).as_deref(),
            Some("gateway b enforces 5, live is 7, and 1 more are behind")
        );
        // One that is ahead of what was read here will be caught up with.
        assert_eq!(lag(&seen(vec![gateway("a", 8)]), 7), None);
    }

    #[test]
    fn a_silent_gateway_is_not_ready_whatever_its_service_says() {
        let silent = Gateway {
            said: Err("it cannot be reached".to_owned()),
            ..gateway("a", 0)
        };
        let view = view(&silent, false);
        assert!(!view.ready && view.store_problem.is_some());
    }
}
