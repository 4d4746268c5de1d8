//! Whatever somebody writes on a Job of their own, it is not taken for what it is not.

use std::sync::LazyLock;

use cronwarden::api::ApprovedCronJob;
use cronwarden::assess::{self, Lineage, Surroundings};
use cronwarden::identity::{Actor, Deed, Source, User, Verb};
use cronwarden::inventory::{Approval, Inventory};
use cronwarden::lineage::{MakerConfiguration, MakerPreset, Makers, Match, Origin};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::scene::{CronJob, Scene};

const CONTROLLER: &str = "system:serviceaccount:kube-system:cronjob-controller";

/// The images that the CronJob has had, in order, with the day of May on which each came.
const IMAGES: [(&str, i8); 3] = [("dump:1", 1), ("dump:2", 10), ("dump:3", 20)];

/// What is written on a Job.
#[derive(Clone, Debug)]
struct Marks {
    name: String,
    owner: Value,
    annotations: Value,
    generated: bool,
    image: &'static str,
    created: Timestamp,
}

fn template(image: &str) -> Value {
    let container = json!({"name": "dump", "image": format!("registry.example.com/backup/{image}")});
    json!({"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}})
}

fn cron_job() -> CronJob {
    let version = |image: &str| {
        json!({
            "metadata": {"namespace": "payments", "name": "nightly", "uid": "u"},
            "spec": {"schedule": "0 2 * * *", "timeZone": "Etc/UTC", "jobTemplate": {"spec": template(image)}},
        })
    };
    let [(first, since), changes @ ..] = IMAGES;
    let changes = changes.map(|(image, on)| (version(image), day(on)));
    CronJob::of(&version(first), Some(day(since)), &changes).unwrap()
}

fn day(day: i8) -> Timestamp {
    format!("2026-05-{day:02}T00:00:00Z").parse().unwrap()
}

impl Marks {
    fn scene(&self) -> Scene {
        let Self { name, owner, annotations, generated, image, created } = self;
        let mut job = json!({
            "metadata": {
                "namespace": "payments", "name": name, "uid": "j", "creationTimestamp": created.to_string(),
                "ownerReferences": owner, "annotations": annotations,
            },
            "spec": template(image),
        });
        if *generated {
            job["metadata"]["generateName"] = json!("nightly-");
        }
        Scene::of(&job, Some(cron_job())).unwrap()
    }
}

/// Any subset of the marks of a run, and some that are of nothing or of something else.
fn marks(images: &'static [&'static str]) -> impl Strategy<Value = Marks> {
    let group = prop::sample::select(vec!["batch/v1", "batch.evil.io/v1", "keda.sh/v1alpha1", "v1"]);
    let kind = prop::sample::select(vec!["CronJob", "ScaledJob"]);
    let one = (group, kind, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let owner = one.prop_map(|(version, kind, named, known, controls, blocks)| {
        let (name, uid) = (if named { "nightly" } else { "other" }, if known { "u" } else { "v" });
        json!({
            "apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": controls,
            "blockOwnerDeletion": blocks,
        })
    });
    let real = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": "u", "controller": true,
        "blockOwnerDeletion": true,
    });
    let owners = prop_oneof![3 => Just(vec![real]), 2 => prop::collection::vec(owner, 0..3)];
    let stated = prop_oneof![4 => Just(0), 1 => Just(3600), 1 => Just(60)];
    let annotations = (prop::option::of(stated), any::<bool>(), any::<bool>(), any::<bool>());
    // Some of them at the time of a change, and some far from the tick.
    let when = (2i8..30, prop_oneof![4 => 0i64..20, 1 => -90_000i64..0, 1 => 20i64..90_000]);
    let name = prop_oneof![4 => Just(0u8), 1 => Just(1), 1 => Just(2), 1 => Just(3)];
    let texts = (name, prop::sample::select(images), any::<bool>());
    (owners, annotations, when, texts).prop_map(|(owners, annotations, (on, late), (name, image, generated))| {
        let tick = day(on).as_second() + 2 * 3600;
        let name = match name {
            0 => format!("nightly-{}", tick / 60),
            1 => format!("nightly-{tick}"),
            2 => format!("nightly-{}", tick / 60 + 60),
            _ => "nightly-x7k2p".to_owned(),
        };
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let (stated, manual, hook, garbage) = annotations;
        let mut written = json!({});
        if let Some(off) = stated {
            let text = if garbage && off > 0 { "soon".to_owned() } else { at(tick + off).to_string() };
            written["batch.kubernetes.io/cronjob-scheduled-timestamp"] = json!(text);
        }
        if manual {
            written["cronjob.kubernetes.io/instantiate"] = json!("manual");
        }
        if hook {
            written["helm.sh/hook"] = json!("pre-upgrade");
        }
        let created = at((tick + late).max(day(1).as_second()));
        Marks { name, owner: json!(owners), annotations: written, generated, image, created }
    })
}

fn makers() -> Makers {
    let of =
        |name: &str, preset| MakerConfiguration { name: name.to_owned(), preset: Some(preset), ..Default::default() };
    let helm = MakerConfiguration { users: Some(vec!["deployer".to_owned()]), ..of("helm", MakerPreset::HelmHooks) };
    Makers::compile(None, &[of("keda", MakerPreset::KEDA), helm]).unwrap()
}

/// The CronJob is approved, with everything that an approval can allow.
static INVENTORY: LazyLock<Inventory> = LazyLock::new(|| {
    let object = json!({
        "apiVersion": "cronwarden.dev/v1alpha1", "kind": "ApprovedCronJob", "metadata": {"name": "nightly"},
        "spec": {
            "match": {"namespaces": ["payments"]}, "owner": {"team": "payments"}, "allowed": {"manualRuns": true},
            "expected": {"images": [{"repository": "registry.example.com/backup/dump"}]},
        },
    });
    let mut inventory = Inventory::default();
    inventory.insert(Approval::compile(&serde_json::from_value::<ApprovedCronJob>(object).unwrap()));
    inventory
});

fn created_by(user: &str, acts_as: Option<&str>, source: Source) -> Deed {
    let named = |name: &str| User { username: name.to_owned(), groups: Vec::new() };
    let actor = Actor { user: named(user), impersonated: acts_as.map(named), ..Actor::default() };
    Deed { at: day(1), id: "a".into(), source, verb: Verb::Create, actor: actor.into() }
}

fn anybody_else() -> impl Strategy<Value = Deed> {
    let names = vec![
        "mallory",
        "deployer",
        "system:serviceaccount:payments:cronjob-controller",
        "system:serviceaccount:kube-system:cronjob-controller2",
        "system:serviceaccount:kube-system:job-controller",
        "system:serviceaccount:keda:keda-operator",
        " system:kube-controller-manager",
        "",
    ];
    let other = (prop::sample::select(names), prop::option::of(Just(CONTROLLER)));
    // The controller itself acts as nobody.
    let acting = Just((CONTROLLER, Some("mallory")));
    let source = prop_oneof![Just(Source::Audit), Just(Source::Admission)];
    (prop_oneof![6 => other, 1 => acting], source)
        .prop_map(|((user, acts_as), source)| created_by(user, acts_as, source))
}

proptest! {
    /// Without an event the marks are all that there is. What the CronJob never ran is never accounted for by them.
    #[test]
    fn no_marks_account_for_a_template_that_the_cron_job_never_had(marks in marks(&["miner:1", "dump:9"])) {
        let scene = marks.scene();
        let traced = scene.traced(None, &makers());
        let is_same = matches!(
            traced.origin,
            Origin::Run { template: Match::Same, .. } | Origin::Manual { template: Match::Same, .. } | Origin::Child { .. }
        );
        prop_assert!(!is_same, "{:?}", traced);
        let lineage = Lineage { traced: &traced, cron_job: scene.parent(), is_outdated: false, pods: &[] };
        let assessment = assess::job(&scene.job, lineage, &INVENTORY, Surroundings::default(), day(31));
        prop_assert!(!assessment.deviations.is_empty(), "{:?}", traced);
    }

    /// One that was replaced long before accounts for nothing either.
    #[test]
    fn a_template_from_long_before_is_not_that_of_a_run(marks in marks(&["dump:1"])) {
        prop_assume!(marks.created > day(11));
        let traced = marks.scene().traced(None, &makers());
        prop_assert!(!matches!(traced.origin, Origin::Run { template: Match::Same, .. }), "{:?}", traced);
    }

    #[test]
    fn nobody_but_the_controller_makes_runs(
        marks in marks(&["dump:1", "dump:2", "dump:3", "miner:1"]),
        creator in anybody_else(),
    ) {
        let traced = marks.scene().traced(Some(&creator), &makers());
        prop_assert!(!matches!(traced.origin, Origin::Run { .. }), "{:?}", traced);
    }

    /// What it makes is a run, whatever is written on it, as long as it names its CronJob.
    #[test]
    fn what_the_controller_makes_of_a_cron_job_is_a_run(marks in marks(&["dump:1", "dump:2", "dump:3"])) {
        let scene = marks.scene();
        let creator = created_by(CONTROLLER, None, Source::Audit);
        let traced = scene.traced(Some(&creator), &makers());
        let is_run = matches!(traced.origin, Origin::Run { .. });
        prop_assert!(is_run || scene.parent().is_none(), "{:?}", traced);
    }
}
