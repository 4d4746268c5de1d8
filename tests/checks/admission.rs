//! Admission requests.

use cronwarden::identity::admission::read;
use cronwarden::identity::{Source, Verb};
use jiff::Timestamp;

pub fn check(input: &[u8]) {
    let now = Timestamp::UNIX_EPOCH;
    let review = read(input, now);
    assert_eq!(review, read(input, now), "read twice");
    let Some(review) = review else { return };
    assert!(!review.uid.is_empty() && review.uid.len() <= 256);
    let Some(fact) = review.fact else { return };
    assert_eq!((fact.source, &fact.id, fact.at), (Source::Admission, &review.uid, now));
    assert!(matches!(fact.verb, Verb::Create | Verb::Update | Verb::Delete));
    assert!(!fact.actor.user.username.is_empty() && fact.actor.impersonated.is_none());
    assert_eq!(fact.actor, fact.actor.clone().bounded(), "more of an actor than is kept");
    assert_eq!(fact.version.resource_version, None, "it would be the one before");
    if let Some(body) = &fact.body {
        serde_json::from_str::<&serde_json::value::RawValue>(body).expect("the body is JSON");
    }
}
