//! The manual page of each code: why it matters, what is commonly behind it, what to look at, and which field of an approval
//! speaks for it. What to do with the finding itself is said by its next steps.

use super::{DeviationCode, RiskCode};

impl DeviationCode {
    /// Two to six sentences for whoever meets the code, in Markdown, as one paragraph.
    #[allow(clippy::too_many_lines, reason = "a table, not a procedure")]
    pub fn help(self) -> &'static str {
        match self {
            Self::Unapproved => {
                "A CronJob of their own is how intruders stay in a cluster: it comes back after every clean-up (MITRE ATT&CK T1053.007). \
                 Most often it is a new workload whose approval was forgotten, or one whose approval is invalid and approves nothing. \
                 Look at who created it and at what it runs, before looking for a reason to approve it. \
                 An approval speaks for it by `match`; `status.conditions` of an approval says whether it can be used."
            }
            Self::ApprovalExpired => {
                "An approval with an end makes sure that somebody looks again; a workload that outlives it runs unreviewed. \
                 Most often the renewal was forgotten, sometimes the task was temporary and should be gone. \
                 Ask the owner that the approval names whether the task is still needed, and look for further deviations first: they are listed too. \
                 `expiresAt` speaks for it."
            }
            Self::Schedule => {
                "Moving a task lets an attacker run it at once, at a quiet hour, or never, such as a backup that should have run before the damage. \
                 Teams move tasks for load or maintenance windows, mostly through Git. \
                 Compare the schedule with its last change in Git, and with what else started at the new time. \
                 `expected.schedules` speaks for it, and compares by meaning."
            }
            Self::TimeZone => {
                "Another zone moves every run by hours while the schedule reads the same, so a review of the schedule alone does not notice. \
                 Commonly a chart sets the zone for the first time, or a team prefers local time. \
                 Work out when the next run is, and who should be awake then. \
                 `expected.timeZones` speaks for it; an empty entry stands for a workload that names no zone."
            }
            Self::Interval => {
                "A task that runs too often can be a beacon, a miner that restarts itself, or load that hurts others. \
                 Commonly somebody shortened the interval for a test and left it so. \
                 Look at the runs that there were since, and at how long each of them took. \
                 `expected.minimumInterval` speaks for it, and counts the two closest runs of the whole calendar."
            }
            Self::Window => {
                "A run outside of the agreed hours happens when nobody watches, or when it can do harm. \
                 Commonly a schedule near the border of a window leaves it by a change of daylight saving, or the workload names no zone and UTC is assumed. \
                 Look at the example run in the finding: it names the day and the zone. \
                 `expected.windows` speaks for it."
            }
            Self::Image => {
                "Whoever chooses the image chooses the program: an image from another repository, or another tag, is other code with the same rights. \
                 Most often it is an upgrade, a mirror, or a registry that moved. \
                 Compare repository and tag letter by letter, as names are made to be mistaken, and ask the registry who pushed the image and when. \
                 `expected.images` speaks for it by `repository` and `tags`."
            }
            Self::ImageDigest => {
                "A tag can be pushed again, a digest cannot: without the approved digest nobody knows which code runs. \
                 Of a Pod that ran it means that the node pulled another digest than approved, or another than on earlier ticks under the same tag. \
                 Commonly an upgrade was deployed before its digest was approved, or a tool dropped the digest. \
                 Look up in the registry which image the digest names, how it was built and whether it is signed. \
                 `expected.images` speaks for it by `digests` and `requireDigest`."
            }
            Self::Command => {
                "An approved image with a shell or an interpreter in it runs whatever its command says, and so does a program that is mounted over or preloaded. \
                 Commonly an option was added, or a wrapper script was put in front. \
                 Read the whole command line, probes and hooks included, and what is mounted at the path of the program. \
                 `expected.commands` speaks for it; `expected.templateHash` pins mounts and variables as well."
            }
            Self::ServiceAccount => {
                "The service account decides what the workload can do to the cluster, and a borrowed one hides who did it. \
                 Commonly a chart was renamed, or a team gave the workload an account of its own. \
                 Compare what the two may do: `kubectl auth can-i --list -n NAMESPACE --as=system:serviceaccount:NAMESPACE:NAME`. \
                 `expected.serviceAccounts` speaks for it."
            }
            Self::Labels => {
                "Labels decide which policies, network rules and teams a workload belongs to; without them it can fall out of all of these. \
                 Commonly a chart or a convention changed. \
                 Look for policies that select by the label, and take it as no proof when it is there: whoever writes the workload writes its labels. \
                 `expected.labels` speaks for it."
            }
            Self::Template => {
                "The whole of what runs was pinned, and something in it is different; that covers fields without a rule of their own, such as literal environment variables. \
                 Every intended change of the pod leads here until the hash is renewed. \
                 Compare the manifest in Git with the object in the cluster, field by field. \
                 `expected.templateHash` speaks for it; the finding shows the hash of what is there."
            }
            Self::PodSecurity => {
                "Privileges beyond the approved level are the way from the container to the node, and from there to every workload on it. \
                 Backups of nodes, log collectors and storage drivers need some of them. \
                 Look at which setting it is, and whether the image really uses it. \
                 `allowed.podSecurity` speaks for the level, `allowed.hostPaths` and `allowed.capabilities` for what they list, whatever the level."
            }
            Self::Reference => {
                "Whoever can make a workload can have it read any Secret of the namespace, without the right to read Secrets. \
                 A ConfigMap can hold the script that runs. \
                 Commonly a feature needs one more credential, or a name got a new suffix. \
                 Look at what the Secret or ConfigMap is for and who else uses it. \
                 `allowed.secrets` and `allowed.configMaps` speak for it. \
                 Where `expected.configMapHashes` is set, the content counts, too: the finding names the keys that are not as they were recorded; look at what they hold now, and change the approval's spec to have it recorded anew."
            }
            Self::DeploymentPath => {
                "A change that bypasses the pipeline bypasses its reviews, however harmless it looks. \
                 Emergency fixes by hand are commonly behind it. \
                 The finding names who made the change and why that is none of the expected paths; look at what else they did. \
                 `expected.deploymentPaths` speaks for it, by names of the operator's configuration. \
                 Of an approval it means that the approval itself was written beside the paths for approvals, or by whoever wrote the workload."
            }
            Self::UnattributedChange => {
                "A change that nobody can be named for may come from whoever removed the traces. \
                 Gaps in the audit log are commonly behind it: an API server that does not send its events, or a receiver that was down for long. \
                 Look into the audit log of the API server itself for writes to the workload, and whether events of its time arrived at all. \
                 `expected.deploymentPaths` names who may make changes."
            }
            Self::Suspended => {
                "Suspending a backup or a scan is a quiet way to be rid of it. \
                 A CronJob is stopped just as well by a template that makes no pods. \
                 Commonly it was paused for maintenance and forgotten. \
                 Find out since when, and what did not run in the meantime. \
                 `expected.suspended` speaks for it."
            }
            Self::Resumed => {
                "A workload that was stopped for a reason, or that was only ever to be run by hand, runs by itself again: resuming what was approved while it slept is a way around a review. \
                 Commonly somebody tried something and forgot it, or the approval was not brought up to date. \
                 Ask who resumed it and why it was stopped, and look at the runs since. \
                 `expected.suspended` speaks for it."
            }
            Self::Missing => {
                "A backup, a rotation or a scan that is gone is noticed when it is needed, which is what whoever deleted it counts on. \
                 Commonly a release was renamed or a namespace was cleaned up. \
                 Look at whether the last results of the task are still there. \
                 `expected.required` asks for its existence, under the names that `match` lists."
            }
            Self::ManualRun => {
                "A run by hand executes an approved task at a time of somebody's choosing. \
                 Operators do it to repeat a run that failed, and so do Argo CD and dashboards on their behalf. \
                 Ask whoever did it, if the finding names them; without audit events it rests on what the Job says of itself. \
                 `allowed.manualRuns` of the approval of the CronJob speaks for it."
            }
            Self::ForgedOwner => {
                "A Job that names an owner that did not create it passes for a scheduled run, and so for approved, and is swept away with the runs of its owner. \
                 The CronJob controller sets that owner, and so does `kubectl create job --from`, but neither with another template; tools that copy Jobs between clusters can leave a stale one. \
                 Look at what it ran, at who created it, and at whether audit events reach Cronwarden: with them it is certain who did. \
                 No field of an approval speaks for it; another CronJob controller than that of Kubernetes is named in the operator's configuration."
            }
            Self::TemplateDrift => {
                "A run that differs from what its CronJob was at that time runs something that the judged template does not show. \
                 Admission webhooks that change Jobs are commonly behind it; forged runs look the same where no event tells who created them. \
                 Compare the fields that the finding names, and look for the webhook that changes them. \
                 No field of an approval speaks for it: acknowledge what a known webhook does, or have it change the CronJob."
            }
            Self::TickSquatting => {
                "The names of scheduled Jobs can be computed in advance: whoever takes one before its time runs their own code under it and keeps the real run from starting. \
                 Numbers at the end of a name that happen to be those of a coming tick are the only benign cause known. \
                 Look at what it ran, and remove it before its tick, or that run is lost. \
                 No field of an approval speaks for it."
            }
            Self::PodDrift => {
                "A Pod that differs from its Job runs something that the judged template does not show: its image can be patched while it runs, a webhook can add containers to it, and `kubectl debug` puts one beside. \
                 Sidecar injectors that are not configured, and registry mirrors that rewrite images, are commonly behind it. \
                 Look at each field that the finding names; a container that imitates an injector is named as such. \
                 No field of an approval speaks for it: what a webhook adds is declared under `injectors` in the operator's configuration."
            }
            Self::Malformed => {
                "What cannot be read cannot be judged, and that may be its purpose. \
                 Commonly it is a typing mistake in a schedule or an image, or an object from before the API server checked the field. \
                 Read the field as text, with its invisible characters. \
                 No field of an approval speaks for it: the workload has to be mended."
            }
        }
    }
}

impl RiskCode {
    /// Two to six sentences for whoever meets the code, in Markdown, as one paragraph.
    #[allow(clippy::too_many_lines, reason = "a table, not a procedure")]
    pub fn help(self) -> &'static str {
        match self {
            Self::PrivilegedContainer => {
                "A privileged container sees the devices of the node and has every capability, so leaving it takes a command or two. \
                 Storage drivers and node maintenance use it. \
                 Find out which single capability or device the task needs, and give it only that. \
                 `allowed.podSecurity` set to `Privileged` speaks for it."
            }
            Self::HostNamespace => {
                "In the node's namespaces a container sees the processes, traffic or shared memory of everything else on the node. \
                 Monitoring and network tools use it. \
                 Look at which namespace it is, and whether the task does anything with it. \
                 `allowed.podSecurity` set to `Privileged` speaks for it."
            }
            Self::HostPath => {
                "A path of the node outlives the pod, and can hold the credentials of the kubelet or files that the node runs. \
                 Log rotation and backups of the control plane mount some. \
                 Look at what lies below the path, and whether a read-only mount would do. \
                 `allowed.hostPaths` speaks for it."
            }
            Self::RuntimeSocket => {
                "Whoever can talk to the container runtime can start a privileged container, past all that the API server checks. \
                 Image clean-up and old build tools use it. \
                 Treat the node as theirs if nobody knows the workload. \
                 `allowed.hostPaths` speaks for the path."
            }
            Self::DangerousCapability => {
                "The capability is known to help out of a container, or to read what others send. \
                 Network tools, debuggers and some backups need one. \
                 Look at whether the image uses it at all, as many are copied from examples. \
                 `allowed.capabilities` speaks for those that the Baseline standard refuses."
            }
            Self::SystemNamespace => {
                "In a namespace of the system a workload is among many that few people know, and policies often leave it out. \
                 Distributions and add-ons do put CronJobs there. \
                 Look at who may create workloads in the namespace, and who did. \
                 `match.namespaces` of an approval speaks for it."
            }
            Self::LookalikeName => {
                "A name that looks like a system component makes a reader pass over it, by a similar letter or by the exact name in a place where the component never is. \
                 A chart that maintains the component may have such a name in good faith. \
                 Compare the name letter by letter, and what runs with what the name promises. \
                 `match.names` of an approval speaks for it."
            }
            Self::PowerfulServiceAccount => {
                "With such an account, code in the workload can take over the namespace or the cluster. \
                 Deployment tools and backups of the whole cluster have wide rights. \
                 `expected.serviceAccounts` speaks for the account. \
                 This version does not report the code: it does not read roles and bindings."
            }
            Self::RecentPrivilegeChange => {
                "Rights that were granted shortly before a workload appeared may have been granted for it. \
                 The rollout of a new application looks the same. \
                 No field of an approval speaks for it. \
                 This version does not report the code: it does not read roles and bindings."
            }
            Self::HumanActor => {
                "Where a pipeline deploys, a change by hand is an emergency, a habit, or somebody with a stolen login. \
                 Where people deploy by hand it says nothing. \
                 Ask them: `status.actor` has the name, the address and the audit ID of the request. \
                 `expected.deploymentPaths` names who may make changes."
            }
            Self::AnonymousActor => {
                "An API server that lets unauthenticated clients change workloads is open to everybody who reaches it. \
                 No benign cause is known. \
                 Look at `status.actor.authorizedBy` for the binding that allows it, and remove that first. \
                 No field of an approval speaks for it."
            }
            Self::Impersonation => {
                "Acting as somebody else puts their name on the change. \
                 Administrators and GitOps tools impersonate as part of their work. \
                 `status.actor.impersonator` is who really did it. \
                 `expected.deploymentPaths` names who may make changes, and as whom."
            }
            Self::SelfApproval => {
                "Whoever can write both the workload and its approval has reviewed themselves: nobody else looked. \
                 In a small team the same administrator does both, and a pipeline that deploys both is a deployment path and not meant. \
                 Have somebody else look at the approval, and see `metadata.managedFields` and the audit log for what was written when. \
                 No field of an approval speaks for it; a deployment path for both does."
            }
            Self::EvidenceTampering => {
                "Findings belong to Cronwarden; who removes or rewrites one wants it not to be read. \
                 Scripts that clean up custom resources do it, too. \
                 The finding comes back by itself: `status.tampering` names who did what, as far as an audit event tells. \
                 No field of an approval speaks for it; to live with a finding, acknowledge it."
            }
            Self::SuspiciousCommand => {
                "The detail says which behaviour was recognised in a command, its arguments or a variable: one that attackers use to fetch, hide or run code, or to leave the container. \
                 Installation scripts and administrators write some of them too, so it is a hint and no verdict. \
                 Read the command, and fetch what it downloads on a machine where that does no harm. \
                 `expected.commands` speaks for a command that is meant to be so."
            }
            Self::MutableTag => {
                "Whoever can push to the repository changes what the next run executes, and the workload looks the same. \
                 Most workloads are written like this. \
                 Pin the digest where the workload has rights or data worth stealing. \
                 `expected.images` asks for it by `digests` or `requireDigest`."
            }
            Self::FrequentSchedule => {
                "A run every few minutes is nearly a daemon: useful as a beacon, and for restarting what was killed. \
                 Queues, renewals and health checks run as often. \
                 Look at how long a run takes, and what it talks to. \
                 `expected.minimumInterval` asks for more distance."
            }
            Self::NeverRuns => {
                "A task that never ticks looks harmless and lies ready to be started by hand. \
                 Teams keep such templates for manual runs, usually as 30 or 31 February. \
                 Look at whether there were runs, and who started them. \
                 `expected.schedules` speaks for it; a workload that is meant to rest is clearer with `expected.suspended`."
            }
            Self::ControlPlaneToleration => {
                "On a control-plane node, a pod is next to the keys of the cluster and its database. \
                 Backups of etcd and node maintenance have to run there. \
                 Look at what else it has: with a host path or host namespace it can reach the keys. \
                 Only `expected.templateHash` pins where a pod may be placed."
            }
            Self::EvidenceHiding => {
                "With the finished runs go their logs and their exit codes, which is all that is left to look at afterwards. \
                 Teams set it to keep the list of Jobs short. \
                 Look for the logs where they are collected. \
                 No field of an approval speaks for it."
            }
            Self::FanOut => {
                "Planting the same in many namespaces at once is how an intruder with wide rights spreads, and what makes the clean-up miss some. \
                 Commonly it is the rollout of a platform team whose approval was forgotten; what an approval speaks for is never part of it. \
                 Look at all findings with the same `status.campaign.fingerprint` together: who made them, and in which order. \
                 Three namespaces within an hour are enough, and what was deleted counts for an hour more. \
                 `match.namespaceSelector` of an approval can speak for all of them."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_short_and_names_what_speaks_for_the_code() {
        let pages = DeviationCode::ALL.iter().map(|code| (code.as_str(), code.meaning(), code.help()));
        let risks = RiskCode::ALL.iter().map(|code| (code.as_str(), code.meaning(), code.help()));
        for (code, meaning, help) in pages.chain(risks) {
            let sentences = help.matches(". ").count() + 1;
            assert!((2..=6).contains(&sentences), "{code}: {sentences} sentences");
            assert!(help.ends_with('.') && !help.contains("  ") && !help.contains('\n'), "{code}: {help}");
            assert!(!help.contains(meaning), "{code}: says its meaning twice");
            let fields = ["`match", "`expiresAt`", "`expected.", "`allowed."];
            let speaks = fields.iter().any(|field| help.contains(field));
            let is_said = help.contains("No field of an approval speaks for it");
            assert!(speaks != is_said, "{code}: which field of an approval speaks for it?");
            assert_eq!(help.matches('`').count() % 2, 0, "{code}");
        }
    }

    /// So that a page does not go on saying so when it is no longer true: these are the codes without a fixture.
    #[test]
    fn codes_that_are_not_reported_say_so() {
        let silent = |help: &str| help.contains("This version") || help.contains("of this version");
        let deviations: Vec<&str> =
            DeviationCode::ALL.iter().filter(|c| silent(c.help())).map(|c| c.as_str()).collect();
        let risks: Vec<&str> = RiskCode::ALL.iter().filter(|c| silent(c.help())).map(|c| c.as_str()).collect();
        assert!(deviations.is_empty(), "{deviations:?}");
        assert_eq!(risks, ["PowerfulServiceAccount", "RecentPrivilegeChange"]);
    }
}
