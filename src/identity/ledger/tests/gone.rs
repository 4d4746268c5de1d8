//! What is remembered of objects that are gone, or never were.

use super::*;

#[test]
fn strangers_are_forgotten_after_a_while_and_who_is_there_is_not() {
    let mut ledger = ledger(&[fact("1", "jane", Verb::Create, 1, 100)]);
    ledger.tidy(at(100) + SignedDuration::from_hours(2));
    assert_eq!(makers(&ledger, &seen(1, None)).0, None, "it was never seen");
    assert!(ledger.actors.is_empty());
    ledger.record(&fact("1", "jane", Verb::Create, 1, 100), OWN, at(100));
    ledger.observe("u1", &cron_job("report"), &seen(1, None));
    ledger.tidy(at(100) + SignedDuration::from_hours(2));
    assert_eq!(makers(&ledger, &seen(1, None)), some("jane", "jane"));
    ledger.gone("u1", at(100));
    assert_eq!(ledger.farewell("u1").changer.unwrap().actor.user.username, "jane");
    ledger.tidy(at(100) + SignedDuration::from_hours(2));
    assert_eq!(ledger.farewell("u1"), Provenance::default());
}

#[test]
fn what_is_needed_of_what_is_gone_is_remembered_until_it_is_not_needed() {
    let mut ledger = ledger(&[]);
    let deletion = |id: &str, uid: &str, second| {
        let mut fact = fact(id, "jane", Verb::Delete, 1, 100);
        (fact.version.uid, fact.at) = (Some(uid.to_owned()), at(second));
        fact
    };
    ledger.observe("u1", &cron_job("report"), &seen(1, None));
    ledger.record(&deletion("1", "u0", 50), OWN, at(100));
    ledger.record(&deletion("2", "u1", 100), OWN, at(100));
    ledger.gone("u1", at(100));
    let names = HashSet::from([cron_job("report"), cron_job("another")]);
    assert_eq!(ledger.last_of(&names), HashMap::from([(cron_job("report"), "u1".into())]));
    ledger.retain("u1");
    ledger.tidy(at(100) + SignedDuration::from_hours(200));
    assert_eq!(ledger.farewell("u1").deleter.unwrap().actor.user.username, "jane");
    assert_eq!(ledger.farewell("u0"), Provenance::default());
    ledger.release("u1", at(200));
    ledger.tidy(at(200));
    assert!(ledger.farewell("u1").deleter.is_some());
    ledger.tidy(at(200) + SignedDuration::from_hours(2));
    assert_eq!(ledger.farewell("u1"), Provenance::default());
}

#[test]
fn lies_about_objects_that_never_were_do_not_fill_the_memory() {
    let mut ledger = ledger(&[]);
    ledger.record(&fact("1", "jane", Verb::Create, 1, 100), OWN, at(100));
    ledger.observe("u1", &cron_job("report"), &seen(1, None));
    for lie in 0..3 * MOST_STRANGERS {
        let mut fact = fact("x", &format!("user-{lie}"), Verb::Create, 1, 100);
        fact.version.uid = Some(format!("lie-{lie}"));
        ledger.record(&fact, OWN, at(100));
    }
    ledger.tidy(at(100));
    assert_eq!(ledger.strangers.len(), MOST_STRANGERS);
    assert!(ledger.actors.len() <= MOST_STRANGERS + 1);
    assert_eq!(makers(&ledger, &seen(1, None)), some("jane", "jane"), "who is there is remembered all the same");
}
