//! What somebody may see: `get` of subresources that exist for this question alone, asked of the API server by namespace.

use std::collections::BTreeSet;
use std::sync::Arc;

use fairlead_console::{Identity, Reach, Rights, Trouble};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout};

use super::{ANSWER, Access, CHECKS, HOLDS, TURN, busy, code};

/// What is asked for, as resource and subresource.
const ASKED: [(&str, &str); 5] = [
    ("llmproviders", "health"),
    ("routingrules", "explain"),
    ("virtualkeys", "usage"),
    ("virtualkeys", "requests"),
    ("virtualkeys", "content"),
];
/// Of so many namespaces it is asked for each; of more it is not, and these are for whoever may see all.
pub(in crate::console) const NAMESPACES: usize = 512;

impl Access {
    /// What somebody may see of these namespaces.
    ///
    /// # Errors
    /// The API server does not say all of it.
    pub(in crate::console) async fn rights(
        &self,
        identity: &Identity,
        namespaces: &BTreeSet<Arc<str>>,
    ) -> Result<Rights, Trouble> {
        let who = digest(identity);
        if let Some(rights) = self.rights.get(&who, HOLDS) {
            return Ok(rights);
        }
        let asked = Instant::now();
        let reaches = ASKED.map(|asked| self.reach(identity, asked, namespaces));
        let [health, rules, usage, requests, content] = reaches;
        let (health, rules, usage, requests, content) =
            tokio::try_join!(health, rules, usage, requests, content)?;
        // A request tells what it has cost.
        let requests = both(&requests, &usage);
        let rights = Rights {
            health,
            rules,
            content: both(&content, &requests),
            requests,
            usage,
            apply: false,
        };
        self.rights.keep(who, rights.clone(), asked);
        Ok(rights)
    }

    /// The namespaces where somebody may see one thing.
    async fn reach(
        &self,
        identity: &Identity,
        asked: (&str, &str),
        namespaces: &BTreeSet<Arc<str>>,
    ) -> Result<Reach, Trouble> {
        if self.may(identity, asked, "").await? {
            return Ok(Reach::All);
        }
        let one = |namespace: Arc<str>| async move {
            let may = self.may(identity, asked, &namespace).await?;
            Ok::<_, Trouble>(may.then(|| namespace.to_string()))
        };
        let some = namespaces.iter().take(NAMESPACES).cloned();
        let seen = stream::iter(some.map(one)).buffer_unordered(CHECKS);
        let seen = seen.try_filter_map(|name| std::future::ready(Ok(name)));
        Ok(Reach::Namespaces(seen.try_collect().await?))
    }

    /// Whether somebody may see it in a namespace; in all, where that is empty.
    async fn may(
        &self,
        identity: &Identity,
        (resource, subresource): (&str, &str),
        namespace: &str,
    ) -> Result<bool, Trouble> {
        // Only so many wait that all of them have had their turn in time.
        let turn = timeout(TURN + ANSWER, self.checking.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(busy());
        };
        self.told.checks.inc();
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(identity.user.clone()),
                uid: Some(identity.uid.clone()).filter(|uid| !uid.is_empty()),
                groups: Some(identity.groups.clone()),
                extra: Some(identity.extra.clone()).filter(|extra| !extra.is_empty()),
                resource_attributes: Some(ResourceAttributes {
                    group: Some(fairlead_crds::GROUP.to_owned()),
                    verb: Some("get".to_owned()),
                    resource: Some(resource.to_owned()),
                    subresource: Some(subresource.to_owned()),
                    namespace: Some(namespace.to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let params = PostParams::default();
        let asking = self.checks.create(&params, &review);
        let status = match timeout(ANSWER, asking).await {
            Ok(Ok(answer)) => answer.status.unwrap_or_default(),
            Ok(Err(error)) => return Err(self.failed("what you may see", code(&error))),
            Err(_) => return Err(self.failed("what you may see", None)),
        };
        let failed = status
            .evaluation_error
            .is_some_and(|error| !error.is_empty());
        Ok(status.allowed && status.denied != Some(true) && !failed)
    }
}

/// Where one may see both.
fn both(one: &Reach, other: &Reach) -> Reach {
    match (one, other) {
        (Reach::All, Reach::All) => Reach::All,
        (Reach::All, some @ Reach::Namespaces(_)) | (some @ Reach::Namespaces(_), Reach::All) => {
            some.clone()
        }
        (Reach::Namespaces(one), Reach::Namespaces(other)) => {
            Reach::Namespaces(one.intersection(other).cloned().collect())
        }
    }
}

/// What tells who somebody is: what the API server looks at when it is asked what they may.
fn digest(identity: &Identity) -> [u8; 32] {
    let who = (
        &identity.user,
        &identity.uid,
        &identity.groups,
        &identity.extra,
    );
    // Plain texts always have a form in JSON.
    Sha256::digest(serde_json::to_vec(&who).unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Reach {
        Reach::Namespaces(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn requests_are_for_whoever_may_see_what_they_cost() {
        assert_eq!(both(&Reach::All, &Reach::All), Reach::All);
        assert_eq!(both(&Reach::All, &of(&["a"])), of(&["a"]));
        assert_eq!(both(&of(&["a", "b"]), &of(&["b", "c"])), of(&["b"]));
        assert_eq!(both(&of(&["a"]), &of(&[])), of(&[]));
    }
}
