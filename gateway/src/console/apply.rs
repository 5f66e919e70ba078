//! A rule is written as the viewer: the request that writes it carries the viewer's own token and nothing of the console's, so that the API server
//! decides, knows who it was, and writes it into its own audit.
//!
//! ```text
//! form -> refusals that need nobody else -> server-side apply, dryRun=All -> what would stay as it is -> server-side apply -> a line of the audit
//! ```
//!
//! Nothing is ever forced. The form is all that comes from the browser: the object is made here, and can be nothing but a rule.

mod answer;
mod awaited;
mod pace;
mod stays;
#[cfg(test)]
mod tests;
mod told;
mod writer;

use fairlead_console::view::apply::{Applied, Apply, Offer};
use fairlead_console::view::build::Form;
use fairlead_console::{Identity, Trouble, Viewer};
use fairlead_snapshot::ObjectName;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::objects::{Object, Objects};
use crate::args::console::ApplyMode;
use crate::config::form::{KIND, UNSAID, ruled};
use crate::told::build::{digest, is_theirs, yaml};

use answer::{Answer, Wrote};
pub(super) use awaited::awaited;
pub(super) use writer::Writer;

/// The longest rule that is written, as YAML, in bytes.
const LONGEST: usize = 64 * 1024;
/// What who has come with a token for the console alone has to do.
const HOW: &str = "your session was begun with a token that the API server does not take, so that nothing can be written with it; sign in again with one that it takes: `kubectl create token NAME` without --audience, or an id token of your OpenID Connect provider. Or copy the YAML";
/// What has to be done when it is no longer as it was shown.
const CHANGED: &str =
    "the rule has changed since this was shown, and nothing was written; look at it again";

/// Whether a rule can be written, as far as it is known before anybody is asked; `None`: nothing is written here.
#[must_use]
pub(super) fn offer(cluster: &Cluster, viewer: &Viewer, form: &Form) -> Option<Offer> {
    let parts = &cluster.parts;
    if parts.writer.mode == ApplyMode::Off {
        return None;
    }
    let name = ObjectName::new(&form.namespace, &form.name);
    let object = parts.objects.get(KIND, &name);
    let kept = || object.as_ref().and_then(|object| is_kept(object));
    Some(Offer {
        dry_run: parts.writer.mode == ApplyMode::DryRun,
        version: object.as_ref().map(|object| object.version()),
        why_not: match acting(viewer) {
            Err(why) => Some(why.to_owned()),
            Ok(_) => kept(),
        },
    })
}

/// Writes a rule, or has it tried, and tells the audit.
///
/// # Errors
/// It is not written; the words say why, and whose it is.
pub(super) async fn apply(
    cluster: &Cluster,
    viewer: &Viewer,
    asked: Apply,
) -> Result<Applied, Trouble> {
    let parts = &cluster.parts;
    let writer = &parts.writer;
    if writer.mode == ApplyMode::Off {
        let words = "nothing is written from here (console.apply is Off): copy the YAML to where the configuration is kept";
        return Err(Trouble::Forbidden(words.to_owned()));
    }
    let user = viewer.who.as_ref().map_or("", |who| who.user.as_str());
    writer.paces.take(user).map_err(Trouble::TooOften)?;
    let dry_run = asked.dry_run || writer.mode == ApplyMode::DryRun;
    let done = attempt(cluster, viewer, &asked, dry_run).await;
    let place = (asked.form.namespace.as_str(), asked.form.name.as_str());
    writer.audit.tell(told::line(user, place, dry_run, &done));
    done
}

async fn attempt(
    cluster: &Cluster,
    viewer: &Viewer,
    asked: &Apply,
    dry_run: bool,
) -> Result<Applied, Trouble> {
    let parts = &cluster.parts;
    is_theirs(&asked.form, viewer)?;
    let who = acting(viewer).map_err(|why| Trouble::Forbidden(why.to_owned()))?;
    let name = named(&asked.form)?;
    let watched = parts.watched.as_ref();
    if watched.is_some_and(|watched| !watched.contains(name.namespace.as_str())) {
        let words = "this installation does not look at that namespace, and would never enforce it";
        return Err(Trouble::Bad(words.to_owned()));
    }
    if !parts.objects.is_complete() {
        let words = "not all objects have been listed yet; ask again";
        return Err(Trouble::Unavailable(words.to_owned()));
    }
    let draft = drafted(&parts.objects, &parts.gateway_name, &name, asked)?;
    let writer = &parts.writer;
    let tried = writer.send(who, &name, &draft.wanted, true).await?;
    let answer = wrote(tried, &draft)?;
    if dry_run {
        return Ok(answer.told(&name, draft.generation, true));
    }
    let written = writer.send(who, &name, &draft.wanted, false).await?;
    Ok(written.wrote()?.told(&name, draft.generation, false))
}

/// What a dry run comes to, where nothing speaks against going on.
fn wrote(tried: Answer, draft: &Draft) -> Result<Wrote, Trouble> {
    let answer = tried.wrote()?;
    // What the API server has is not what was looked at: it was made, or deleted and made anew, meanwhile; or it belongs to another installation.
    if answer.created == draft.live.is_some() {
        return Err(Trouble::Conflict(CHANGED.to_owned()));
    }
    let live = draft.live.as_ref().unwrap_or(&Value::Null);
    stays::refused(&draft.wanted, live, &answer.object)?;
    Ok(answer)
}

/// A rule as it is to be.
struct Draft {
    /// What is sent: no labels, annotations, finalizers or owners, so that those that are there stay whose they are.
    wanted: Value,
    /// What is there; `None`: nothing.
    live: Option<Value>,
    /// The generation of that; 0: there is none.
    generation: i64,
}

/// What was shown, made again.
fn drafted(
    objects: &Objects,
    gateway_name: &str,
    name: &ObjectName,
    asked: &Apply,
) -> Result<Draft, Trouble> {
    let object = objects.get(KIND, name);
    if object.as_ref().map(|object| object.version()) != asked.version {
        return Err(Trouble::Conflict(CHANGED.to_owned()));
    }
    if let Some(why) = object.as_ref().and_then(|object| is_kept(object)) {
        return Err(Trouble::Conflict(why));
    }
    let document = object.as_ref().and_then(|object| object.document.as_ref());
    let live = document.map(|document| document.value.clone());
    let whole = ruled(live.as_ref(), &asked.form, gateway_name);
    let text = yaml(&whole)?;
    if text.len() > LONGEST {
        let words = format!("a rule may have {} KiB", LONGEST / 1024);
        return Err(Trouble::Bad(words));
    }
    if digest(&text) != asked.seen {
        return Err(Trouble::Conflict(CHANGED.to_owned()));
    }
    let spec = &whole["spec"];
    if spec["gatewayName"].as_str().unwrap_or(UNSAID) != gateway_name {
        let words = format!(
            "it belongs to another installation than {gateway_name:?}, which this console is of; use the console of that one, or another name"
        );
        return Err(Trouble::Bad(words));
    }
    let metadata = json!({"namespace": name.namespace, "name": name.name});
    let version = format!("{}/v1alpha1", fairlead_crds::GROUP);
    let generation = object.and_then(|object| object.generation);
    Ok(Draft {
        wanted: json!({"apiVersion": version, "kind": KIND, "metadata": metadata, "spec": spec}),
        live,
        generation: generation.unwrap_or_default(),
    })
}

/// Who acts; or what has to be done first.
fn acting(viewer: &Viewer) -> Result<&Identity, &'static str> {
    let who = viewer.who.as_deref();
    who.filter(|who| who.acts && viewer.rights.apply).ok_or(HOW)
}

/// Why an object is not written that something else keeps.
fn is_kept(object: &Object) -> Option<String> {
    let owner = object.owner.as_ref()?;
    Some(format!(
        "it is kept by {owner}, which would put back what is written here: copy the YAML to where that reads it"
    ))
}

/// Names as the API server takes them: nothing else gets into a path.
fn named(form: &Form) -> Result<ObjectName, Trouble> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let (first, last) = (label.bytes().next(), label.bytes().last());
        first.is_some_and(is_plain)
            && last.is_some_and(is_plain)
            && label.bytes().all(|byte| is_plain(byte) || byte == b'-')
    };
    let is_name = |name: &str| name.len() <= 253 && name.split('.').all(is_label);
    if is_label(&form.namespace) && form.namespace.len() <= 63 && is_name(&form.name) {
        return Ok(ObjectName::new(&form.namespace, &form.name));
    }
    let words = "namespace and name have small letters, digits and hyphens, and begin and end with one of the first two";
    Err(Trouble::Bad(words.to_owned()))
}
