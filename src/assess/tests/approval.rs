//! Who may write approvals.

use std::sync::Arc;

use super::*;
use crate::api::code::Severity;
use crate::identity::ledger::Attempt;
use crate::identity::path::Paths;
use crate::identity::{Account, Actor, Provenance, Source, User, Verb};
use crate::workload::WorkloadKey;

fn paths(approvals: &str) -> Paths {
    let text = format!(
        "
         deploymentPaths:
           - {{ name: gitops, serviceAccounts: [argocd/argocd-application-controller] }}
           - {{ name: emergency, groups: [release-managers] }}
           - {{ name: office, users: ['*@example.com'], sourceRanges: ['10.0.0.0/8'] }}
         {approvals}"
    );
    Paths::compile(&serde_saphyr::from_str(&text).unwrap()).unwrap()
}

/// Approvals come from Git, and in an emergency from people.
fn configured() -> Paths {
    paths("approvals: { deploymentPaths: [gitops, emergency] }")
}

fn deed(username: &str, groups: &[&str]) -> Deed {
    let user = User { username: username.to_owned(), groups: groups.iter().map(|group| (*group).to_owned()).collect() };
    let actor = Arc::new(Actor { user, ..Actor::default() });
    Deed { at: now(), id: "f5816efb".into(), source: Source::Audit, verb: Verb::Patch, actor }
}

fn gitops() -> Deed {
    deed("system:serviceaccount:argocd:argocd-application-controller", &[])
}

fn written_by(deed: Deed) -> Provenance {
    Provenance { creator: Some(gitops()), changer: Some(deed), account: Account::Known, ..Provenance::default() }
}

fn of_account(account: Account) -> Provenance {
    Provenance { account, ..Provenance::default() }
}

fn judged(provenance: &Provenance, paths: &Paths) -> Assessment {
    approval("payments-backup", provenance, paths, None)
}

fn own() -> WorkloadKey {
    WorkloadKey { namespace: "payments".into(), name: "nightly".into(), kind: WorkloadKind::CronJob }
}

#[test]
fn anybody_may_write_approvals_where_nothing_is_configured() {
    for provenance in [written_by(deed("jane", &[])), of_account(Account::Unaccounted { generation: 2 })] {
        for paths in [paths(""), Paths::default()] {
            let assessment = approval("payments-backup", &provenance, &paths, Some(&own()));
            assert_eq!(assessment, Assessment::default().rated(), "nothing deviates, so nothing is raised either");
        }
    }
}

#[test]
fn what_comes_by_a_path_for_approvals_is_clean() {
    for deed in [gitops(), deed("bob", &["release-managers"])] {
        assert!(judged(&written_by(deed), &configured()).is_approved());
    }
}

#[test]
fn what_is_written_by_hand_deviates() {
    let assessment = judged(&written_by(deed("jane", &[])), &configured());
    let [deviation] = assessment.deviations.as_slice() else { panic!("{assessment:?}") };
    assert_eq!(deviation.code, DeviationCode::DeploymentPath);
    assert_eq!(deviation.expected, "written by gitops or emergency");
    assert_eq!(deviation.observed, "patch by jane at 2026-06-01T00:00:00Z: jane is none of the identities of gitops");
    assert_eq!(assessment.severity, Severity::High);
    let [risk] = assessment.risks.as_slice() else { panic!("{assessment:?}") };
    assert_eq!((risk.code, risk.detail.as_str()), (RiskCode::HumanActor, "patch by jane"));
}

#[test]
fn another_path_than_those_for_approvals_does_not_count() {
    let paths = paths("approvals: { deploymentPaths: [emergency] }");
    let codes = |deed| judged(&written_by(deed), &paths).deviations.iter().map(|d| d.code).collect::<Vec<_>>();
    assert_eq!(codes(gitops()), [DeviationCode::DeploymentPath]);
}

#[test]
fn a_change_that_nobody_accounts_for_deviates() {
    let assessment = judged(&of_account(Account::Unaccounted { generation: 3 }), &configured());
    let [deviation] = assessment.deviations.as_slice() else { panic!("{assessment:?}") };
    assert_eq!(deviation.code, DeviationCode::UnattributedChange);
    assert_eq!(deviation.observed, "no event tells who made it what it is (generation 3)");
    assert_eq!((assessment.severity, assessment.risks.as_slice()), (Severity::Medium, &[][..]));
}

#[test]
fn what_cannot_be_told_is_neither_clean_nor_deviating() {
    let accounts = [Account::NoSource, Account::BeforeSource, Account::Awaited { until: now() }];
    let untold = accounts.map(of_account).into_iter().map(|provenance| (provenance, configured()));
    // The address of the request is not known.
    let office = (written_by(deed("jane@example.com", &[])), paths("approvals: { deploymentPaths: [office] }"));
    for (provenance, paths) in untold.chain([office]) {
        let assessment = judged(&provenance, &paths);
        assert!(assessment.deviations.is_empty() && assessment.risks.is_empty(), "{assessment:?}");
        let [unknown] = assessment.unknown.as_slice() else { panic!("{assessment:?}") };
        assert_eq!((unknown.code, &*unknown.approval), (DeviationCode::DeploymentPath, "payments-backup"));
        assert!(!assessment.is_approved());
    }
}

#[test]
fn an_approval_of_ones_own_workload_is_a_risk_of_what_deviates() {
    let by_hand = written_by(deed("jane", &[]));
    let assessment = approval("payments-backup", &by_hand, &configured(), Some(&own()));
    let risks: Vec<_> = assessment.risks.iter().map(|risk| (risk.code, risk.detail.as_str())).collect();
    let self_approval = "the same hands wrote CronJob/payments/nightly";
    assert_eq!(risks, [(RiskCode::HumanActor, "patch by jane"), (RiskCode::SelfApproval, self_approval)]);
    assert_eq!(assessment.severity, Severity::Critical);
    let by_path = approval("payments-backup", &written_by(gitops()), &configured(), Some(&own()));
    assert_eq!(by_path.risks, [], "whoever brings everything brings both");
}

#[test]
fn tampering_is_told_of_what_deviates() {
    let attempt = Attempt::by(deed("mallory", &[]));
    let provenance = Provenance { tampering: vec![attempt], ..written_by(deed("jane", &[])) };
    let assessment = judged(&provenance, &configured());
    assert_eq!(assessment.risks.last().map(|risk| risk.code), Some(RiskCode::EvidenceTampering));
    assert_eq!(assessment.severity, Severity::Critical);
}

#[test]
fn what_authors_choose_is_harmless_and_bounded() {
    let name = format!("\u{1b}]0;x\u{7}\u{202e}{}", "m".repeat(5000));
    let assessment = approval("payments-backup", &written_by(deed(&name, &[])), &configured(), Some(&own()));
    let texts = assessment.deviations.iter().map(|deviation| &deviation.observed);
    for text in texts.chain(assessment.risks.iter().map(|risk| &risk.detail)) {
        assert!(text.chars().count() < 2 * SHOWN + 64, "{text}");
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
    }
}
