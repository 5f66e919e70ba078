//! As much of addresses as is needed: where one leads, and whether it may be sent a secret.

/// An address in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    /// Whether it is `https`; otherwise `http`.
    pub(crate) secure: bool,
    /// Host and port, as they go into the `Host` header.
    pub(crate) host: &'a str,
    /// From the slash on; `/` if there is none.
    pub(crate) path: &'a str,
    /// Behind the question mark.
    pub(crate) query: &'a str,
}

impl<'a> Address<'a> {
    /// Splits an address; `None` if it is none, or one with a user or a fragment: those hide where it leads.
    pub(crate) fn parse(url: &'a str) -> Option<Self> {
        let (secure, rest) = match url.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("http://")?),
        };
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) || rest.contains(['#', '\\']) {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, rest) = rest.split_at_checked(end)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_host) {
            return None;
        }
        let path = if path.is_empty() { "/" } else { path };
        Some(Self {
            secure,
            host,
            path,
            query,
        })
    }

    /// The host without its port and brackets.
    pub(crate) fn name(&self) -> &'a str {
        match self.host.strip_prefix('[') {
            Some(six) => six.split(']').next().unwrap_or(six),
            None => self.host.split(':').next().unwrap_or(self.host),
        }
    }
}

/// The host of an address, to name its server by.
pub(crate) fn server(url: &str) -> &str {
    Address::parse(url).map_or(url, |address| address.host)
}

/// An address without the slash at its end, if it is one and is `https`, as all are that a secret is sent to over a network.
pub(crate) fn secure(url: &str) -> Option<&str> {
    let url = url.trim().trim_end_matches('/');
    Address::parse(url)?.secure.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split() {
        let address = Address::parse("https://sts.eu-west-1.amazonaws.com:8443/a/b?c=d").unwrap();
        assert!(address.secure);
        assert_eq!(address.host, "sts.eu-west-1.amazonaws.com:8443");
        assert_eq!(address.name(), "sts.eu-west-1.amazonaws.com");
        assert_eq!((address.path, address.query), ("/a/b", "c=d"));
        let bare = Address::parse("http://[fd00:ec2::23]:80?x").unwrap();
        assert_eq!(
            (bare.name(), bare.path, bare.query),
            ("fd00:ec2::23", "/", "x")
        );
    }

    #[test]
    fn what_hides_where_it_leads_is_no_address() {
        for url in [
            "https://user@evil.example/",
            "https://good.example\\@evil.example/",
            "https://a b/",
            "https:///path",
            "https://a/#b",
            "ftp://a/",
            "a.example",
            "https://ü.example/",
        ] {
            assert_eq!(Address::parse(url), None, "{url}");
        }
    }
}
