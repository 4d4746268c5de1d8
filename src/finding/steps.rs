//! What to do about a finding, as commands that can be copied.

use super::is_group;
use crate::api::code::DeviationCode;
use crate::api::finding::{Campaign, Deviation, State, SubjectKind, WorkloadReference};
use crate::assess::Assessment;

const ASK_THE_DELETER: &str = "Ask who deleted it: status.deleter";

/// What is left to do about a finding that is over. Nothing can be looked at or stopped any more.
pub(super) fn when_over(state: State, workload: &WorkloadReference, is_deleter_known: bool) -> Vec<String> {
    let WorkloadReference { kind, namespace, name, uid: _ } = workload;
    if state != State::Deleted {
        return Vec::new();
    }
    let whodunit = if is_deleter_known {
        ASK_THE_DELETER.to_owned()
    } else {
        format!(
            "Find out who deleted it: the deletion of {kind} {name} in the audit log of the API server",
            kind = kind.as_str()
        )
    };
    if *kind == SubjectKind::ApprovedCronJob {
        return vec![whodunit];
    }
    vec![
        "It is gone: status.snapshot shows what it looked like".to_owned(),
        format!("Look at what it left behind: kubectl get jobs,pods -n {namespace}"),
        whodunit,
    ]
}

/// The next steps for whoever reads the finding: look, decide, and either stop the workload or settle the finding.
pub(super) fn after(
    finding: &str,
    workload: &WorkloadReference,
    assessment: &Assessment,
    fingerprint: &str,
    is_deleter_known: bool,
) -> Vec<String> {
    let WorkloadReference { kind, namespace, name, uid: _ } = workload;
    let resource = kind.as_str().to_ascii_lowercase();
    let acknowledge = acknowledge(finding, fingerprint);
    if *kind == SubjectKind::ApprovedCronJob {
        return vec![
            format!("Look at it: kubectl get acj {name} -o yaml --show-managed-fields"),
            "Ask who wrote it (status.actor), and have somebody else review it; what it approves is approved until then".to_owned(),
            format!("If nobody stands by it, remove it: kubectl delete acj {name}"),
            "If it is legitimate: bring it to the cluster by a deployment path for approvals".to_owned(),
            acknowledge,
        ];
    }
    if assessment.deviations.iter().any(|deviation| deviation.code == DeviationCode::Missing) {
        let approvals: Vec<&str> = assessment.approvals.iter().map(|approval| approval.name.as_str()).collect();
        let whodunit = if is_deleter_known {
            ASK_THE_DELETER.to_owned()
        } else {
            format!("Find out who deleted it: the deletion of {resource} {name} in the audit log of the API server")
        };
        return vec![
            whodunit,
            format!("Bring it back from Git: {resource} {name} in namespace {namespace}"),
            format!("If it is not needed any more, remove expected.required from: {}", approvals.join(", ")),
            acknowledge,
        ];
    }
    let unreadable = |deviation: &Deviation| deviation.code == DeviationCode::Malformed && deviation.path.is_empty();
    if *kind == SubjectKind::Job {
        return of_job(workload, assessment, acknowledge);
    }
    let settle = match assessment.nearest() {
        None if assessment.deviations.iter().any(unreadable) => {
            "If it is legitimate: change it so that it can be judged; no approval can speak for it as it is".to_owned()
        }
        Some(approval) => format!(
            "If it is legitimate: change it back to what approval {approval} expects, or have the approval changed: kubectl get acj {approval} -o yaml"
        ),
        None => "If it is legitimate: have the platform team add an ApprovedCronJob that selects it".to_owned(),
    };
    let mut steps = vec![
        format!("Look at it: kubectl get {resource} {name} -n {namespace} -o yaml --show-managed-fields"),
        format!("Look at what it ran: kubectl get jobs,pods -n {namespace}"),
    ];
    steps.extend(assessment.campaign.as_ref().map(others));
    steps.extend([
        format!(
            "If nobody knows it, stop it and keep the evidence: kubectl patch {resource} {name} -n {namespace} -p '{{\"spec\":{{\"suspend\":true}}}}'"
        ),
        settle,
        acknowledge,
    ]);
    steps
}

/// How to find the rest of a campaign.
fn others(campaign: &Campaign) -> String {
    let Campaign { fingerprint, namespaces, workloads: _ } = campaign;
    format!(
        "The same template is in {namespaces} namespaces, look at all of them: kubectl get findings -o json | jq -r \
         '.items[] | select(.status.campaign.fingerprint == \"{fingerprint}\") | \
         \"\\(.spec.workload.kind) \\(.spec.workload.namespace)/\\(.spec.workload.name)\"'"
    )
}

/// A Job ends by itself, and cannot be changed back: it is looked at, stopped and settled.
fn of_job(workload: &WorkloadReference, assessment: &Assessment, acknowledge: String) -> Vec<String> {
    let WorkloadReference { namespace, name, .. } = workload;
    let has = |code: DeviationCode| assessment.deviations.iter().any(|deviation| deviation.code == code);
    let approval = assessment.deviations.iter().find_map(|deviation| deviation.approval.as_deref());
    let settle = match approval.or(assessment.nearest()) {
        Some(approval) if has(DeviationCode::ManualRun) => format!(
            "If runs by hand are meant to be: set allowed.manualRuns in approval {approval}: kubectl get acj {approval} -o yaml"
        ),
        Some(approval) => format!(
            "If it is legitimate: have approval {approval} changed: kubectl get acj {approval} -o yaml"
        ),
        None if has(DeviationCode::Unapproved) => {
            "If it is legitimate: add an ApprovedCronJob with kinds [Job], or name the controller that makes such Jobs under jobControllers"
                .to_owned()
        }
        None => "If it is legitimate: find out why it is not what its owner makes, and mend that".to_owned(),
    };
    if is_group(workload) {
        return vec![
            format!("Look at the last of them (status.runs.latest): kubectl get jobs -n {namespace}"),
            format!("Look at what they ran: kubectl get pods -n {namespace} -l batch.kubernetes.io/job-name"),
            "If nobody knows them, stop what makes them: the first link of status.lineage, or status.actor".to_owned(),
            settle,
            acknowledge,
        ];
    }
    vec![
        format!("Look at it: kubectl get job {name} -n {namespace} -o yaml --show-managed-fields"),
        format!(
            "Look at what it ran: kubectl logs -n {namespace} -l batch.kubernetes.io/job-name={name} --all-containers"
        ),
        format!(
            "If nobody knows it, stop it and keep the evidence: kubectl patch job {name} -n {namespace} -p '{{\"spec\":{{\"suspend\":true}}}}'"
        ),
        settle,
        acknowledge,
    ]
}

fn acknowledge(finding: &str, fingerprint: &str) -> String {
    format!(
        "Live with it for now: kubectl patch finding {finding} --type=merge -p \
         '{{\"spec\":{{\"triage\":{{\"state\":\"Acknowledged\",\"by\":\"YOU\",\"fingerprint\":\"{fingerprint}\"}}}}}}'"
    )
}
