//! Keys that are rotated when their time has come, without anything else happening.

use super::*;

impl World {
    /// What the watch of Secrets would show of those that were made for keys.
    fn show_secrets(&self) {
        for mut secret in self.api.all_of("team", "secrets").into_values() {
            secret["metadata"]["namespace"] = "team".into();
            let event = Event::Apply(serde_json::from_value(secret).unwrap());
            let mut source = Source::new(None);
            let changed = self
                .watched
                .secrets
                .take(&mut source, event, resource::secret);
            if changed {
                self.watched.changed.notify_one();
            }
        }
    }

    /// The published entry of a key.
    fn key(&self, name: &str) -> Value {
        let maps = self.api.all("configmaps");
        let named = self.named();
        let mut shards = maps.iter().filter(|(map, _)| named.contains(*map));
        shards
            .find_map(|(_, map)| {
                let shard: Value =
                    serde_json::from_str(map["data"]["shard.json"].as_str()?).ok()?;
                let entry = shard.get(format!("team/{name}"))?.clone();
                entry.get("digest").is_some().then_some(entry)
            })
            .unwrap_or_default()
    }

    /// What the Secret of a key holds under these names.
    fn values(&self, secret: &str) -> (Value, Value) {
        let data = &self.api.all_of("team", "secrets")[secret]["data"];
        (data["apiKey"].clone(), data["apiKey.previous"].clone())
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_key_is_rotated_at_its_time_and_its_old_value_goes_at_its_own() {
    let world = World::new().await;
    world.reads_of_all.send_replace(Some(2));
    let spec = |secret: &str, rotation: Value| json!({"key": {"type": "Generate", "secretRef": {"name": secret}}, "rotation": rotation});
    let often = json!({"every": "1h", "overlap": "10m"});
    world.apply("VirtualKey", "often", &spec("often", often));
    world.apply("VirtualKey", "never", &spec("never", Value::Null));
    sleep(SECOND).await;
    world.show_secrets();
    sleep(SECOND).await;
    let ((first, _), bystander) = (world.values("often"), world.values("never"));
    let (mut replaced, mut forgotten) = (None, None);
    for minute in 1..80 {
        sleep(MINUTE).await;
        world.show_secrets();
        let (value, before) = world.values("often");
        if replaced.is_none() && value != first {
            assert_eq!(before, first);
            replaced = Some(minute);
        }
        if replaced.is_some() && forgotten.is_none() && before.is_null() {
            forgotten = Some(minute);
        }
    }
    let (replaced, forgotten) = (replaced.unwrap(), forgotten.unwrap());
    assert!((54..=61).contains(&replaced), "{replaced}");
    assert!((10..=12).contains(&(forgotten - replaced)), "{forgotten}");
    assert_eq!(world.values("never"), bystander);
    let key = world.key("often");
    assert!(
        !key["previous"]["digest"].is_null(),
        "it stays known: {key}"
    );
    assert!(world.key("never")["previous"].is_null());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_rotated_while_it_could_not_be_published_or_its_overlap_not_be_kept() {
    let world = World::new().await;
    let spec = json!({"key": {"type": "Generate", "secretRef": {"name": "s"}}});
    world.apply("VirtualKey", "k", &spec);
    sleep(SECOND).await;
    world.show_secrets();
    sleep(SECOND).await;
    let before = world.values("s");
    world.api.refuse(Some("/configmaps"));
    world.rule(1);
    let (api, shelf) = &world.watched.resources["VirtualKey"];
    let mut asked = object(api, "k", &spec);
    asked.metadata.annotations =
        Some([("fairlead.dev/rotate".to_owned(), "now".to_owned())].into());
    shelf.take(&mut Source::new(None), Event::Apply(asked), |object| {
        Resource::read(api, object)
    });
    world.watched.changed.notify_one();
    sleep(SECOND * 60).await;
    assert_eq!(world.values("s"), before);
    world.reads_of_all.send_replace(Some(1));
    world.api.refuse(None);
    sleep(SECOND * 60).await;
    assert_eq!(world.values("s"), before, "the old value would be refused");
    world.reads_of_all.send_replace(Some(2));
    sleep(SECOND * 60).await;
    let after = world.values("s");
    assert_ne!(after.0, before.0);
    assert_eq!(after.1, before.0);
}
