use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::inventory::Labels;
use crate::workload::{Workload, WorkloadKind};

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn workload(kind: WorkloadKind, namespace: &str, name: &str, pod: &Value) -> Workload {
    let metadata = json!({ "namespace": namespace, "name": name, "labels": { "example.com/team": "payments" } });
    let job = json!({ "template": { "spec": pod } });
    let spec = match kind {
        WorkloadKind::CronJob => json!({ "schedule": "0 2 * * *", "jobTemplate": { "spec": job } }),
        WorkloadKind::Job => job,
    };
    Workload::from_json(kind, &json!({ "metadata": metadata, "spec": spec }).to_string()).unwrap()
}

fn backup(namespace: &str) -> Workload {
    let pod = json!({
        "containers": [{ "name": "dump", "image": "registry.example.com/pgdump:1.2", "args": ["--all", "--password=hunter2"] }],
        "volumes": [{ "name": "logs", "hostPath": { "path": "/var/log/" } }],
    });
    workload(WorkloadKind::CronJob, namespace, "backup", &pod)
}

fn key(kind: WorkloadKind, namespace: &str, name: &str) -> WorkloadKey {
    WorkloadKey { kind, namespace: namespace.to_owned(), name: name.to_owned() }
}

#[test]
fn a_draft_is_read_like_this() {
    let draft = approval(&backup("payments"), &Options::default(), now()).unwrap();
    let hash = backup("payments").template_hash();
    let expected = format!(
        "\
apiVersion: cronwarden.dev/v1alpha1
kind: ApprovedCronJob
metadata:
  name: payments-backup
spec:
  match:
    namespaces:
    - payments
    names:
    - backup
  # spec.owner: taken from the label example.com/team, which whoever writes the workload chooses: check it
  owner:
    team: payments
  expected:
    schedules:
    - \"0 2 * * *\"
    timeZones:
    - \"\"
    images:
    - repository: registry.example.com/pgdump
      tags:
      - \"1.2\"
    # spec.expected.commands: spec.jobTemplate.spec.template.spec.containers[0].args[1] looks like a credential, so a `*` stands in its place: move it to a Secret; templateHash pins the whole template in exchange
    commands:
    - command: []
      args:
      - \"--all\"
      - \"--password=*\"
    serviceAccounts:
    - default
    templateHash: \"{hash}\"
    suspended: false
"
    );
    let text = yaml(std::slice::from_ref(&draft));
    let without_left_out: Vec<&str> = text.lines().filter(|line| !line.contains("hostPaths")).collect();
    assert_eq!(without_left_out, expected.lines().collect::<Vec<_>>());
    let path = "spec.jobTemplate.spec.template.spec.volumes[0].hostPath";
    assert!(
        text.contains(&format!(
            "# spec.allowed.hostPaths: LEFT OUT: {path}: /var/log/ (to allow it, accept HostPath)\n"
        )),
        "{text}"
    );
    let accepted = Options { accepted: "HostPath".parse().unwrap(), strict: false };
    let draft = approval(&backup("payments"), &accepted, now()).unwrap();
    assert_eq!((draft.approval.spec.allowed.host_paths, draft.left_out), (vec!["/var/log".to_owned()], vec![]));
}

#[test]
fn codes_are_accepted_one_by_one_or_all() {
    let both: Accepted = ["HostPath", "PodSecurity"].iter().map(|code| code.parse::<Accepted>().unwrap()).collect();
    assert!(both.contains(Code::PodSecurity) && both.contains(Code::Risk(crate::api::code::RiskCode::HostPath)));
    assert!(!both.contains(Code::Risk(crate::api::code::RiskCode::MutableTag)));
    assert_eq!("all".parse(), Ok(Accepted::all()));
    let error = "hostpath\u{1b}".parse::<Accepted>().unwrap_err().to_string();
    assert!(
        error.starts_with("hostpath\\u{1b} is nothing that can be accepted: write one of PrivilegedContainer, "),
        "{error}"
    );
    assert!(error.ends_with("FanOut, PodSecurity, or all"), "{error}");
}

#[test]
fn names_are_readable_and_stay_apart() {
    use WorkloadKind::{CronJob, Job};
    assert_eq!(name::of(&key(CronJob, "payments", "nightly-backup")), "payments-nightly-backup");
    assert_eq!(name::of(&key(Job, "payments", "migrate")), "payments-migrate-job");
    let hashed = name::of(&key(CronJob, "kube-system", "etcd-backup"));
    assert!(hashed.starts_with("kube-system-etcd-backup-"), "{hashed}");
    let digits = hashed.rsplit('-').next().unwrap().to_owned();
    // Whoever knows how names are made must not be able to take one that belongs to another.
    let taken = key(CronJob, "kube", &format!("system-etcd-backup-{digits}"));
    assert_ne!(name::of(&taken), hashed);
    assert_ne!(name::of(&key(CronJob, "a", "b-job")), name::of(&key(Job, "a", "b")));
    let long = name::of(&key(CronJob, &"a".repeat(63), &"b".repeat(253)));
    assert_eq!(long.len(), 253);
}

#[test]
fn the_same_in_many_namespaces_is_one_approval_for_64_of_them() {
    let workloads: Vec<Workload> = (0..70).map(|i| backup(&format!("team{i:02}"))).collect();
    let drafted = baseline(workloads, &Options::default(), true, now());
    let mut counts: Vec<usize> =
        drafted.drafts.iter().map(|draft| draft.approval.spec.matches.namespaces.len()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [6, 64]);
    let names: BTreeSet<_> = drafted.drafts.iter().map(|draft| draft.approval.metadata.name.clone()).collect();
    assert_eq!(names.len(), 2);

    let mut other = backup("team99");
    other.pod.service_account = "other".to_owned();
    let drafted = baseline([backup("team00"), other, backup("team01")], &Options::default(), true, now());
    let mut namespaces: Vec<_> =
        drafted.drafts.into_iter().map(|draft| draft.approval.spec.matches.namespaces).collect();
    namespaces.sort();
    assert_eq!(namespaces, [vec!["team00", "team01"], vec!["team99"]]);
}

#[test]
fn a_second_workload_of_the_same_name_is_said_and_not_approved() {
    let mut other = backup("payments");
    other.pod.service_account = "other".to_owned();
    let drafted = baseline([backup("payments"), other, backup("payments")], &Options::default(), false, now());
    assert_eq!(drafted.drafts.len(), 1);
    let [undrafted] = drafted.undrafted.as_slice() else { panic!("{:?}", drafted.undrafted) };
    assert!(undrafted.reason.starts_with("there are 2 different workloads"), "{}", undrafted.reason);
}

#[test]
fn what_has_no_name_or_a_wrong_one_has_no_draft() {
    for (name, reason) in
        [("", "it has no name"), ("a*", "its name or namespace is none"), ("A", "its name or namespace")]
    {
        let pod = json!({ "containers": [{ "name": "a", "image": "app:1" }] });
        let refused =
            approval(&workload(WorkloadKind::Job, "payments", name, &pod), &Options::default(), now()).unwrap_err();
        assert!(refused.reason.starts_with(reason), "{}", refused.reason);
    }
}

#[test]
fn a_zone_in_the_schedule_is_named_apart() {
    let mut zoned = backup("payments");
    zoned.cron.as_mut().unwrap().schedule = "TZ=Europe/Zurich  0  2 * * *".to_owned();
    let draft = approval(&zoned, &Options { accepted: Accepted::all(), strict: false }, now()).unwrap();
    let expected = &draft.approval.spec.expected;
    assert_eq!(
        (expected.schedules.as_slice(), expected.time_zones.as_slice()),
        (&["0 2 * * *".to_owned()][..], &["Europe/Zurich".to_owned()][..])
    );
    assert_eq!(draft.left_out, []);
    // To an approval that says nothing of zones, the zone cannot be added without constraining all others.
    let mut nearest =
        approval(&backup("payments"), &Options { accepted: Accepted::all(), strict: false }, now()).unwrap();
    nearest.approval.spec.expected.time_zones.clear();
    let changed = change(&nearest.approval, &zoned, &Options::default(), &Labels::new(), now()).unwrap();
    assert_eq!(changed.approval.spec, nearest.approval.spec);
    assert_eq!(
        changed.left_out.iter().map(|left| left.field.as_str()).collect::<Vec<_>>(),
        ["spec.expected.schedules"]
    );
}

#[test]
fn a_new_tag_or_digest_joins_the_entry_of_its_repository() {
    let with_image = |image: &str| {
        let mut changed = backup("payments");
        changed.pod.containers[0].image = image.to_owned();
        changed
    };
    let all = Options { accepted: Accepted::all(), strict: false };
    let nearest = approval(&with_image("app:1"), &all, now()).unwrap().approval;
    let digest = |c: &str| format!("sha256:{}", c.repeat(64));
    let images = |nearest: &ApprovedCronJob, image: &str| {
        let draft = change(nearest, &with_image(image), &all, &Labels::new(), now()).unwrap();
        assert_eq!(draft.left_out, []);
        draft.approval
    };
    let tagged = images(&nearest, "app:2");
    assert_eq!(tagged.spec.expected.images.len(), 1);
    assert_eq!(tagged.spec.expected.images[0].tags, ["1", "2"]);
    // A digest beside an approved tag would approve that digest for every tag.
    let pinned = images(&nearest, &format!("app:1@{}", digest("a")));
    assert_eq!(pinned.spec.expected.images.len(), 2);
    let moved = images(&pinned, &format!("app:1@{}", digest("b")));
    assert_eq!(moved.spec.expected.images[1].digests, [digest("a"), digest("b")]);
    assert_eq!(images(&moved, "other:1").spec.expected.images.len(), 3);
}

proptest! {
    #[test]
    fn no_two_workloads_have_approvals_of_one_name(
        a in (any::<bool>(), "[a-c](-?[a-c]){0,3}", "[a-c]([-.]?[a-c]){0,3}(-job)?"),
        b in (any::<bool>(), "[a-c](-?[a-c]){0,3}", "[a-c]([-.]?[a-c]){0,3}(-job)?"),
    ) {
        let key = |(job, namespace, name): &(bool, String, String)| {
            key(if *job { WorkloadKind::Job } else { WorkloadKind::CronJob }, namespace, name)
        };
        let (a, b) = (key(&a), key(&b));
        prop_assert_eq!(a == b, name::of(&a) == name::of(&b));
        let approval = WorkloadKey { name: name::of(&a), ..a };
        prop_assert!(name::is_valid(&approval));
    }
}
