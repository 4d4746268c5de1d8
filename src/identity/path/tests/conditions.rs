//! What has to hold besides the identity.

use super::*;

#[test]
fn a_token_that_is_not_bound_to_a_pod_was_minted_or_stolen() {
    let paths = path("serviceAccounts: [argocd/argocd-application-controller], podBound: true");
    let unbound = format!("the token of {ACCOUNT} is not bound to a pod");
    assert_eq!(reason(&paths, &in_pod(ACCOUNT, "any")), "");
    assert_eq!(reason(&paths, &actor(ACCOUNT)), unbound);
    assert_eq!(reason(&paths, &in_pod(ACCOUNT, "")), unbound);
    let anywhere = path("serviceAccounts: [argocd/argocd-application-controller], podBound: false");
    assert_eq!(reason(&anywhere, &actor(ACCOUNT)), "");
}

#[test]
fn the_pod_is_one_of_those_named() {
    let paths =
        path("serviceAccounts: [argocd/argocd-application-controller], pods: ['argocd-application-controller-*']");
    assert_eq!(reason(&paths, &in_pod(ACCOUNT, "argocd-application-controller-0")), "");
    assert_eq!(reason(&paths, &actor(ACCOUNT)), format!("the token of {ACCOUNT} is not bound to a pod"));
    assert_eq!(
        reason(&paths, &in_pod(ACCOUNT, "x-argocd-application-controller-0")),
        format!(
            "the token of {ACCOUNT} is bound to the pod x-argocd-application-controller-0, which is none of those of it"
        )
    );
}

#[test]
fn only_the_last_address_counts() {
    let paths = path("users: [ci], sourceRanges: ['10.1.0.0/16', '2001:db8::/32', '192.0.2.7/32']");
    let from = |addresses: &[&str]| {
        let mut ci = actor("ci");
        ci.source_ips = addresses.iter().map(|address| (*address).to_owned()).collect();
        reason(&paths, &ci)
    };
    for fits in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "2001:db8::1", "192.0.2.7"] {
        assert_eq!(from(&[fits]), "");
        assert_eq!(from(&["203.0.113.9", fits]), "");
    }
    for other in [
        "10.2.0.1",
        "::ffff:10.2.0.1",
        "::10.1.2.3",
        "2001:db9::1",
        "192.0.2.8",
        "10.1.2.3:80",
        " 10.1.2.3",
        "10.01.2.3",
        "",
        "x",
    ] {
        let expected = format!("the request came from {other}, which is in none of the source ranges of it");
        assert_eq!(from(&[other]), expected);
        // What a client claims in X-Forwarded-For stands in front of what the API server saw.
        assert_eq!(from(&["10.1.2.3", other]), expected);
    }
    assert_eq!(from(&[]), "the address that the request came from is not known");
}

#[test]
fn an_admission_request_is_evidence_only_where_it_is_accepted() {
    let it = "users: [ci], impersonates: ['bot-*']";
    let refused = "the admission request does not tell whether somebody else acted as ci, and it does not accept that";
    let unsure = "the admission request does not tell whether it was it that acted as bot-1";
    for (accepts, of_ci) in [("", refused), (", acceptAdmission: false", refused), (", acceptAdmission: true", "")] {
        let paths = path(&format!("{it}{accepts}"));
        assert_eq!(reason_by(&paths, &actor("ci"), Source::Admission), of_ci);
        assert_eq!(reason_by(&paths, &actor("bot-1"), Source::Admission), unsure);
        assert_eq!(reason_by(&paths, &actor("bot-1"), Source::Audit), "bot-1 is none of the identities of it");
        assert_eq!(reason_by(&paths, &actor("x"), Source::Admission), "x is none of the identities of it");
    }
}

#[test]
fn what_the_source_does_not_tell_is_unknown_and_not_satisfied() {
    let paths = path("users: [ci], sourceRanges: ['10.0.0.0/8'], impersonates: ['bot-*']");
    let unknown =
        |actor: &Actor, source| paths.check("it", actor, source, &Markers::default(), &key()).unwrap_err().is_unknown();
    assert!(unknown(&actor("ci"), Source::Admission));
    assert!(unknown(&actor("bot-1"), Source::Admission));
    assert!(unknown(&Actor { source_ips: Vec::new(), ..actor("ci") }, Source::Audit));
    assert!(!unknown(&actor("x"), Source::Admission));
    assert!(!unknown(&Actor { source_ips: vec!["11.0.0.1".into()], ..actor("ci") }, Source::Audit));
}

#[test]
fn all_conditions_hold_together() {
    let paths = path(
        "serviceAccounts: [ci/deployer], pods: ['runner-*'], sourceRanges: ['10.0.0.0/8'],
         impersonates: ['system:serviceaccount:*:deployer'], markers: Helm, acceptAdmission: false",
    );
    let mut helm = Markers::default();
    helm.annotations.insert("meta.helm.sh/release-name".into(), "r".into());
    helm.annotations.insert("meta.helm.sh/release-namespace".into(), "n".into());
    let good = acting_as(in_pod("system:serviceaccount:ci:deployer", "runner-1"), "system:serviceaccount:a:deployer");
    let fits = |actor: &Actor, markers: &Markers| paths.check("it", actor, Source::Audit, markers, &key()).is_ok();
    assert!(fits(&good, &helm));
    let mut changed: Vec<Actor> = vec![good.clone(); 4];
    changed[0].user.username = "system:serviceaccount:ci2:deployer".into();
    changed[1].pod = None;
    changed[2].source_ips.push("192.0.2.1".into());
    changed[3].impersonated = Some(user("system:admin"));
    assert!(changed.iter().all(|actor| !fits(actor, &helm)) && !fits(&good, &Markers::default()));
}
