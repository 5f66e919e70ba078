//! Credentials that are several values in one Secret: what tokens and signatures are made from at the clouds.

use std::collections::BTreeMap;

use fairlead_crds::v1alpha1::ProviderType;
use fairlead_snapshot::SecretBytes;

/// The keys of a Secret that belong together.
pub(super) struct Keys {
    /// All of these are needed.
    needed: &'static [&'static str],
    /// These may be there.
    optional: &'static [&'static str],
}

/// AWS: an access key.
const AWS: Keys = Keys {
    needed: &["accessKeyId", "secretAccessKey"],
    optional: &["sessionToken", "roleARN"],
};
/// Azure: an application of Entra.
const AZURE: Keys = Keys {
    needed: &["tenantId", "clientId", "clientSecret"],
    optional: &[],
};
/// Google Cloud: the key file of a service account.
const GOOGLE: Keys = Keys {
    needed: &["serviceAccount"],
    optional: &[],
};

/// All that there are.
pub(super) const ALL: [&Keys; 3] = [&AWS, &AZURE, &GOOGLE];

impl Keys {
    /// Those of a type of provider, if it has any.
    pub(super) fn of(kind: ProviderType) -> Option<&'static Self> {
        let all = [
            (ProviderType::Bedrock, &AWS),
            (ProviderType::AzureOpenAI, &AZURE),
            (ProviderType::VertexAI, &GOOGLE),
        ];
        let known = all.into_iter().find(|(known, _)| *known == kind);
        known.map(|(_, keys)| keys)
    }

    /// Their values as a JSON object, if all that are needed are there and are texts.
    pub(super) fn together(&self, data: &BTreeMap<String, SecretBytes>) -> Option<String> {
        let text = |key: &str| {
            let text = str::from_utf8(data.get(key)?.expose()).ok()?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned()).filter(|text| !text.is_empty())
        };
        let mut object = BTreeMap::new();
        for key in self.needed {
            object.insert(*key, text(key)?);
        }
        let optional = self.optional.iter();
        object.extend(optional.filter_map(|key| Some((*key, text(key)?))));
        serde_json::to_string(&object).ok()
    }

    /// Their names, for whoever has to write them.
    pub(super) fn needed(&self) -> String {
        self.needed.join(" and ")
    }
}
