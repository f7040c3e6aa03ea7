//! What a guest asks for, checked before a name is looked up or an address connected to.

use std::net::IpAddr;

use ureq_proto::http::uri::Scheme;
use ureq_proto::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use crate::abi::types::Errno;
use crate::failure::Result;

/// Ours to say: where the request goes, where its body ends, and what becomes of the connection.
const OURS: [HeaderName; 8] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
];
/// For one origin's eyes only.
const SECRETS: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];
/// What a body's headers say is gone with it.
const OF_A_BODY: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION];

#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub target: Target,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub struct Target {
    pub uri: Uri,
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
    pub is_secure: bool,
}

impl Request {
    /// `headers` are lines `Name: value`.
    pub fn parse(method: &str, url: &str, headers: &str, body: Vec<u8>) -> Result<Self> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| Errno::Inval)?;
        // Neither is a request for something that lies at a URL.
        if method == Method::CONNECT || method == Method::TRACE {
            return Err(Errno::Inval.into());
        }
        let target = Target::parse(url.parse().map_err(|_| Errno::Inval)?)?;
        Ok(Self { method, target, headers: parse_headers(headers)?, body })
    }

    /// The request that a redirect asks for. It may lead anywhere: the rules are asked again.
    pub fn redirected(mut self, status: StatusCode, location: &str) -> Result<Self> {
        let target = self.target.join(location)?;
        if !target.is_same_origin(&self.target) {
            SECRETS.iter().for_each(|name| drop(self.headers.remove(name)));
        }
        let is_read = self.method == Method::GET || self.method == Method::HEAD;
        let forgets_method = match status {
            StatusCode::SEE_OTHER => !is_read,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if forgets_method {
            self.method = Method::GET;
            self.body = Vec::new();
            OF_A_BODY.iter().for_each(|name| drop(self.headers.remove(name)));
        }
        Ok(Self { target, ..self })
    }
}

impl Target {
    fn parse(uri: Uri) -> Result<Self> {
        let is_secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(Errno::Inval.into()),
        };
        let authority = uri.authority().ok_or(Errno::Inval)?;
        // A password in a URL ends up in logs, and before an `@` one host looks like another.
        if authority.as_str().contains('@') {
            return Err(Errno::Inval.into());
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host).to_owned();
        let is_port_wrong = authority.port_u16().is_none() && authority.as_str().len() > authority.host().len();
        if host.is_empty() || is_port_wrong {
            return Err(Errno::Inval.into());
        }
        let port = authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        Ok(Self { host, port, is_secure, uri })
    }

    /// The address, when the host is one as it is written.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Where a reference leads that is read at this place. One that leads nowhere is the server's fault, not the guest's.
    fn join(&self, location: &str) -> Result<Self> {
        let base = &self.uri;
        let (scheme, authority) = (base.scheme_str().unwrap_or_default(), base.authority().map_or("", |a| a.as_str()));
        let text = match location {
            _ if has_scheme(location) => location.to_owned(),
            _ if location.starts_with("//") => format!("{scheme}:{location}"),
            _ if location.starts_with('/') => format!("{scheme}://{authority}{location}"),
            _ if location.starts_with('?') => format!("{scheme}://{authority}{}{location}", base.path()),
            _ => format!("{scheme}://{authority}{}", beside(base.path(), location)),
        };
        let uri = text.parse().map_err(|_| Errno::Proto)?;
        Self::parse(uri).map_err(|_| Errno::Proto.into())
    }

    fn is_same_origin(&self, other: &Self) -> bool {
        self.host.eq_ignore_ascii_case(&other.host) && self.port == other.port && self.is_secure == other.is_secure
    }
}

fn has_scheme(reference: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    reference.split_once(':').is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.bytes().all(is_part))
}

/// A path beside another one, its dots resolved.
fn beside(path: &str, location: &str) -> String {
    let (location, query) = location.find('?').map_or((location, ""), |at| location.split_at(at));
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').skip(1).collect();
    for part in location.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}{query}", parts.join("/"))
}

fn parse_headers(lines: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in lines.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(Errno::Inval)?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Errno::Inval)?;
        if OURS.contains(&name) || name.as_str().starts_with("proxy-") {
            return Err(Errno::Perm.into());
        }
        // What would begin a line of its own is no part of a value.
        let value = HeaderValue::from_bytes(value.trim_matches([' ', '\t']).as_bytes()).map_err(|_| Errno::Inval)?;
        headers.try_append(name, value).map_err(|_| Errno::TooBig)?;
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    fn errno(method: &str, url: &str, headers: &str) -> Errno {
        match Request::parse(method, url, headers, Vec::new()) {
            Ok(_) => Errno::Success,
            Err(Failure::Errno(errno)) => errno,
            Err(Failure::End(_)) => Errno::Io,
        }
    }

    #[test]
    fn a_request_is_one_method_one_place_and_headers_that_are_not_ours() {
        for method in ["", "GE T", "GET\r\n", "CONNECT", "TRACE", "G\0T"] {
            assert_eq!(errno(method, "http://one.example/", ""), Errno::Inval, "{method:?}");
        }
        let urls = [
            "",
            "/",
            "one.example",
            "ftp://one.example/",
            "file:///etc/passwd",
            "http://",
            "http:///path",
            "http://user:secret@one.example/",
            "http://user@one.example/",
            "http://one.example@127.0.0.1/",
            "http://one.example:/",
            "http://one.example:65536/",
            "http://one.example:x/",
            "http://one.example/a b",
            "http://one.example/\r\nx: y",
            "http://one .example/",
            "https://[::1/",
        ];
        for url in urls {
            assert_eq!(errno("GET", url, ""), Errno::Inval, "{url:?}");
        }
        for lines in ["no colon", "a b: c", ": c", "a: b\rc: d", "a: b\0", " a: folded"] {
            assert_eq!(errno("GET", "http://one.example/", lines), Errno::Inval, "{lines:?}");
        }
        for name in ["host", "Content-Length", "transfer-encoding", "CONNECTION", "Expect", "Proxy-Authorization"] {
            assert_eq!(errno("GET", "http://one.example/", &format!("{name}: x")), Errno::Perm, "{name}");
        }
        assert_eq!(errno("PATCH", "https://[::1]:8443/a?b=c", "accept: a/b\r\nx-one:  two\n"), Errno::Success);
    }

    #[test]
    fn another_origin_gets_no_secrets_and_a_body_goes_where_it_was_sent_to() {
        let request = |method: &str| {
            let headers = "authorization: x\ncookie: y\ncontent-type: z\naccept: w";
            Request::parse(method, "https://one.example/a", headers, vec![1]).unwrap()
        };
        let names = |request: &Request| request.headers.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        for (uri, kept) in [
            ("https://one.example/b", "authorization cookie content-type accept"),
            ("https://ONE.example:443/b", "authorization cookie content-type accept"),
            ("https://one.example:444/b", "content-type accept"),
            ("http://one.example/b", "content-type accept"),
            ("https://two.example/b", "content-type accept"),
        ] {
            let next = request("PUT").redirected(StatusCode::TEMPORARY_REDIRECT, uri).unwrap();
            let mut sorted: Vec<_> = kept.split(' ').collect();
            sorted.sort_unstable();
            let found = names(&next);
            let mut found: Vec<_> = found.split(' ').collect();
            found.sort_unstable();
            assert_eq!((found, next.method, next.body.len()), (sorted, Method::PUT, 1), "{uri}");
        }
        for (method, status, expected, length) in [
            ("POST", 301, Method::GET, 0),
            ("POST", 302, Method::GET, 0),
            ("PUT", 302, Method::PUT, 1),
            ("PUT", 303, Method::GET, 0),
            ("HEAD", 303, Method::HEAD, 1),
            ("POST", 308, Method::POST, 1),
        ] {
            let next = request(method).redirected(StatusCode::from_u16(status).unwrap(), "/b").unwrap();
            assert_eq!((next.method, next.body.len()), (expected, length), "{method} {status}");
        }
        assert!(request("GET").redirected(StatusCode::FOUND, "file:///etc/passwd").is_err());
    }

    #[test]
    fn a_redirect_is_read_where_it_was_found() {
        for (location, expected) in [
            ("http://two.example/x", "http://two.example/x"),
            ("//two.example/x", "https://two.example/x"),
            ("/x?y", "https://one.example:444/x?y"),
            ("x", "https://one.example:444/a/b/x"),
            ("./x/../y?z=/..", "https://one.example:444/a/b/y?z=/.."),
            ("../../../x", "https://one.example:444/x"),
            ("?x", "https://one.example:444/a/b/c?x"),
        ] {
            let target = Target::parse("https://one.example:444/a/b/c?d".parse().unwrap()).unwrap();
            assert_eq!(target.join(location).unwrap().uri.to_string(), expected, "{location}");
        }
    }
}
