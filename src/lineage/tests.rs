use super::*;
use crate::identity::{Actor, Deed, Source, User, Verb};
use crate::workload::{Cron, Workload, WorkloadKey, WorkloadKind};
use jiff::Timestamp;

const CONTROLLER: &str = "system:serviceaccount:kube-system:cronjob-controller";
/// 2026-11-24T02:00:00Z, a tick of `0 2 * * *`.
const TICK: i64 = 1_795_485_600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn named(name: &str) -> Workload {
    let key = WorkloadKey { namespace: "payments".to_owned(), name: name.to_owned(), kind: WorkloadKind::Job };
    Workload { key, ..Workload::default() }
}

fn run() -> Workload {
    named(&format!("nightly-{}", TICK / 60))
}

fn real() -> Marks {
    let owner = Owner {
        group: "batch".into(),
        kind: "CronJob".into(),
        name: "nightly".into(),
        uid: "u".into(),
        blocks_deletion: true,
    };
    Marks { owner: Some(owner.into()), tick: ClaimedTick::At(at(TICK)), is_manual: false, generated: None }
}

fn cron() -> Cron {
    Cron { schedule: "0 2 * * *".to_owned(), time_zone: Some("Etc/UTC".to_owned()), ..Cron::default() }
}

fn by(user: &str, source: Source) -> Deed {
    let actor = Actor { user: User { username: user.to_owned(), groups: Vec::new() }, ..Actor::default() };
    Deed { at: at(TICK), id: "a".into(), source, verb: Verb::Create, actor: actor.into() }
}

struct Scene {
    workload: Workload,
    created: i64,
    marks: Marks,
    creator: Option<Deed>,
    template: Option<Match>,
    namesake: bool,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            workload: run(),
            created: TICK + 1,
            marks: real(),
            creator: None,
            template: Some(Match::Same),
            namesake: true,
        }
    }
}

impl Scene {
    fn traced(&self) -> Traced {
        let cron = cron();
        let case = Case {
            workload: &self.workload,
            created: Some(at(self.created)),
            marks: &self.marks,
            creator: self.creator.as_ref(),
            parent: self.template.map(|template| Parent { template, cron: Some(&cron) }),
            namesake: self.namesake.then_some(&cron),
        };
        trace(&case, &Makers::default())
    }

    fn why(&self) -> Contradiction {
        match self.traced().origin {
            Origin::Forged { why, .. } | Origin::Manual { why, .. } => why,
            other => panic!("{other:?}"),
        }
    }

    fn is_run(&self) -> bool {
        matches!(self.traced().origin, Origin::Run { .. })
    }
}

#[test]
fn a_run_is_what_the_controller_makes_of_a_tick() {
    let run = Scene::default();
    assert_eq!(
        run.traced(),
        Traced {
            origin: Origin::Run { cron_job: "nightly".to_owned(), tick: Some(at(TICK)), template: Match::Same },
            basis: Basis::Marks
        }
    );
    let told = Scene { creator: Some(by(CONTROLLER, Source::Audit)), ..Scene::default() };
    assert!(told.is_run());
    assert_eq!(told.traced().basis, Basis::Audit);
}

#[test]
fn each_mark_that_is_not_as_the_controller_writes_it_gives_a_job_away() {
    let changed = |change: fn(&mut Marks)| {
        let mut marks = real();
        change(&mut marks);
        Scene { marks, template: Some(Match::Other), ..Scene::default() }
    };
    let cases = [
        (changed(|marks| marks.is_manual = true), Contradiction::ByHand),
        (changed(|marks| marks.tick = ClaimedTick::None), Contradiction::NoTick),
        (changed(|marks| marks.tick = ClaimedTick::Unreadable), Contradiction::NoTick),
        (changed(|marks| marks.tick = ClaimedTick::At(at(TICK + 60))), Contradiction::OtherTick),
        (
            changed(|marks| {
                let owner = Owner { blocks_deletion: false, ..(**marks.owner.as_ref().unwrap()).clone() };
                marks.owner = Some(owner.into());
            }),
            Contradiction::OwnerReference,
        ),
        (Scene { workload: named("nightly-x"), template: Some(Match::Other), ..Scene::default() }, Contradiction::Name),
        (Scene { template: None, namesake: false, ..Scene::default() }, Contradiction::NoSuchOwner),
    ];
    for (scene, expected) in cases {
        assert_eq!(scene.why(), expected);
        let is_forged = matches!(scene.traced().origin, Origin::Forged { .. });
        assert!(is_forged, "{expected:?}");
        // The same with the right template is a run by hand.
        let same = Scene { template: scene.template.map(|_| Match::Same), ..scene };
        let is_manual = matches!(same.traced().origin, Origin::Manual { .. });
        assert_eq!(is_manual, expected != Contradiction::NoSuchOwner, "{expected:?}");
    }
}

#[test]
fn a_tick_that_the_schedule_does_not_have_gives_a_job_away() {
    let tick = TICK + 3600;
    let workload = named(&format!("nightly-{}", tick / 60));
    let marks = Marks { tick: ClaimedTick::At(at(tick)), ..real() };
    let scene = Scene { workload, marks, created: tick + 1, ..Scene::default() };
    assert_eq!(scene.why(), Contradiction::NotDue);
}

#[test]
fn who_created_it_counts_for_more_than_every_mark() {
    for (template, is_forged) in [(Match::Same, false), (Match::Unknown, false), (Match::Other, true)] {
        let creator = Some(by("mallory", Source::Audit));
        let scene = Scene { creator, template: Some(template), ..Scene::default() };
        assert_eq!(scene.why(), Contradiction::Creator("mallory".to_owned()));
        assert_eq!(matches!(scene.traced().origin, Origin::Forged { .. }), is_forged, "{template:?}");
    }
    // An account of the same name elsewhere, and somebody who acts as the controller.
    let elsewhere = by("system:serviceaccount:payments:cronjob-controller", Source::Audit);
    assert!(!Scene { creator: Some(elsewhere), ..Scene::default() }.is_run());
    let mut acting = by("mallory", Source::Audit);
    let impersonated = Some(User { username: CONTROLLER.to_owned(), groups: Vec::new() });
    acting.actor = Actor { impersonated, ..(*acting.actor).clone() }.into();
    assert!(!Scene { creator: Some(acting), ..Scene::default() }.is_run());
}

#[test]
fn the_name_of_a_run_before_its_time_is_taken() {
    let unowned = Scene { marks: Marks::default(), created: TICK - 600, template: None, ..Scene::default() };
    let squatting = |by: Option<&str>| Origin::Squatting {
        cron_job: "nightly".to_owned(),
        due: at(TICK),
        by: by.map(str::to_owned),
    };
    assert_eq!(unowned.traced().origin, squatting(None));
    let owned = Scene { created: TICK - 600, ..Scene::default() };
    assert_eq!(owned.traced().origin, squatting(None));
    let known = Scene { created: TICK - 1, creator: Some(by("mallory", Source::Audit)), ..Scene::default() };
    assert_eq!(known.traced().origin, squatting(Some("mallory")));
    // Clocks differ a little.
    assert!(Scene { created: TICK - 1, ..Scene::default() }.is_run());
    assert!(Scene { created: TICK - 1, creator: Some(by(CONTROLLER, Source::Audit)), ..Scene::default() }.is_run());
}

#[test]
fn numbers_that_are_no_ticks_are_only_names() {
    let standalone = Origin::Standalone { owner: None };
    for name in ["nightly-20261124", "nightly-31122099", "report-29999999", "nightly-1"] {
        let scene = Scene { workload: named(name), marks: Marks::default(), template: None, ..Scene::default() };
        let namesake = name.starts_with("nightly");
        assert_eq!(Scene { namesake, ..scene }.traced().origin, standalone, "{name}");
    }
}

fn makers() -> Makers {
    let of =
        |name: &str, preset| MakerConfiguration { name: name.to_owned(), preset: Some(preset), ..Default::default() };
    let helm = MakerConfiguration { users: Some(vec!["deployer".to_owned()]), ..of("helm", MakerPreset::HelmHooks) };
    Makers::compile(None, &[of("keda", MakerPreset::KEDA), helm]).unwrap()
}

fn child(creator: Option<&Deed>, owner: (&str, &str), annotation: Option<&str>) -> Origin {
    let mut workload = named("scaled-x7");
    workload.marker_annotations.extend(annotation.map(|key| (key.to_owned(), "post-install".to_owned())));
    let owner = (!owner.1.is_empty()).then(|| {
        std::sync::Arc::new(Owner { group: owner.0.into(), kind: owner.1.into(), name: "o".into(), ..Owner::default() })
    });
    let marks = Marks { owner, ..Marks::default() };
    let case = Case { workload: &workload, created: None, marks: &marks, creator, parent: None, namesake: None };
    trace(&case, &makers()).origin
}

#[test]
fn a_controller_is_trusted_for_its_own_jobs_only_where_its_evidence_agrees() {
    let mut keda = by("system:serviceaccount:keda:keda-operator", Source::Audit);
    let pod = crate::identity::PodIdentity { name: "keda-operator-1".to_owned(), ..Default::default() };
    keda.actor = Actor { pod: Some(pod), ..(*keda.actor).clone() }.into();
    let scaled = ("keda.sh", "ScaledJob");
    let by_keda = Origin::Child { owner: Some("ScaledJob.keda.sh o".to_owned()), maker: "keda".to_owned() };
    assert_eq!(child(Some(&keda), scaled, None), by_keda);
    // Not for the Jobs of another kind, nor for what only says that it is one of its own.
    assert!(matches!(child(Some(&keda), ("apps.evil.io", "ScaledJob"), None), Origin::Standalone { .. }));
    assert!(matches!(child(Some(&by("mallory", Source::Audit)), scaled, None), Origin::Forged { .. }));
    assert!(matches!(child(None, scaled, None), Origin::Standalone { .. }));
}

#[test]
fn a_hook_is_trusted_from_whoever_calls_helm() {
    let hook = Some("helm.sh/hook");
    let deployer = Some(by("deployer", Source::Audit));
    assert_eq!(child(deployer.as_ref(), ("", ""), hook), Origin::Child { owner: None, maker: "helm".to_owned() });
    for (creator, annotation) in [(deployer, None), (Some(by("mallory", Source::Audit)), hook), (None, hook)] {
        assert_eq!(child(creator.as_ref(), ("", ""), annotation), Origin::Standalone { owner: None });
    }
}

#[test]
fn what_is_wrong_with_a_configuration_is_told_with_its_field() {
    let none = MakerConfiguration { name: "x".to_owned(), ..MakerConfiguration::default() };
    let argo = MakerConfiguration { preset: Some(MakerPreset::ArgoWorkflows), ..none.clone() };
    let owners = Some(vec![OwnerConfiguration { group: "g".to_owned(), kind: String::new() }]);
    let half = MakerConfiguration { owners, users: Some(vec!["u".to_owned()]), name: "y".to_owned(), ..none.clone() };
    let problems = Makers::compile(Some(&Vec::new()), &[none, argo, half]).unwrap_err();
    let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
    let expected = [
        "cronJobControllers",
        "jobControllers[0].owners",
        "jobControllers[0]",
        "jobControllers[1].name",
        "jobControllers[1]",
        "jobControllers[2].owners[0]",
    ];
    assert_eq!(fields, expected, "{problems:?}");
}
