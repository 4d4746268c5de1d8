//! What a request could do, by what was asked: whether it was a dry run, and whether it could change a spec.

use std::borrow::Cow;

use super::fields::{entries, fields, keys, pick, text, texts};

fields! {
    /// What counts of the `DeleteOptions` of `meta/v1`.
    DeleteOptions { dry_run: "dryRun", }
}

fields! {
    /// What counts of an operation of a JSON patch (RFC 6902).
    Operation { path: "path", from: "from", }
}

/// Whether the query of a request asks for a dry run.
///
/// Follows Go's `net/url`, as the API server reads it: a pair with a semicolon or a broken escape is as if it were not there. What
/// looks like a dry run and is none would be a way to change things unseen.
pub(super) fn asks_for_dry_run(uri: &str) -> bool {
    pairs(uri).any(|(key, value)| key == "dryRun" && value == "All")
}

fn has_value(uri: &str, wanted: &str) -> bool {
    pairs(uri).any(|(key, value)| key == wanted && !value.is_empty())
}

/// The pairs of the query of a URI.
fn pairs(uri: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter(|pair| !pair.contains(';')).filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decoded(key)?, decoded(value)?))
    })
}

/// A part of a query without its escapes; `None` if one is broken.
fn decoded(part: &str) -> Option<Cow<'_, str>> {
    if !part.contains(['%', '+']) {
        return Some(Cow::Borrowed(part));
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            b'+' => b' ',
            other => other,
        });
    }
    Some(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Whether the body of a deletion asks for a dry run.
pub(super) fn deletes_nothing(options: &str) -> bool {
    let options: DeleteOptions<'_> = pick(options).unwrap_or_default();
    texts(options.dry_run).iter().any(|value| value == "All")
}

/// Whether a patch could change the spec; `false` only if it shows that it could not.
///
/// The event does not tell the kind of the patch. An array is a JSON patch. An object may be a merge patch, which changes only what it
/// names, or be applied on the server's side, which also removes what the same manager applied before and does not name any more. The
/// latter needs `apiVersion`, `kind` and a field manager.
pub(super) fn may_change_spec(patch: &str, uri: Option<&str>) -> bool {
    let mut touches = false;
    if entries(patch, |operation| touches |= !is_beside_spec(operation)) {
        return touches;
    }
    let mut named = Vec::new();
    let is_object = keys(patch, |key| match key {
        "apiVersion" | "kind" => named.push(key.to_owned()),
        "metadata" | "status" => {}
        _ => touches = true,
    });
    let is_whole = ["apiVersion", "kind"].iter().all(|key| named.iter().any(|name| name == key));
    let may_have_manager = uri.is_none_or(|uri| has_value(uri, "fieldManager"));
    !is_object || touches || is_whole && may_have_manager
}

/// Whether an operation of a JSON patch only touches what is below `metadata` or `status`.
fn is_beside_spec(operation: &str) -> bool {
    let Some(operation) = pick::<Operation<'_>>(operation) else { return false };
    let beside = |pointer: &str| {
        ["/metadata", "/status"]
            .iter()
            .any(|root| pointer.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    text(operation.path).is_some_and(|path| beside(&path))
        && operation.from.is_none_or(|from| text(Some(from)).is_some_and(|from| beside(&from)))
}
