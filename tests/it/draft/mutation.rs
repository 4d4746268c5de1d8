//! The sharpness of a draft: a change of any judged field gives the deviation of that field, and nothing else but the pinned
//! template.

use std::collections::BTreeMap;

use cronwarden::api::approval::PodSecurityLevel;
use cronwarden::draft::{Draft, approval, baseline};
use cronwarden::inventory::Inventory;
use cronwarden::workload::{Workload, WorkloadKind};

use serde_json::Value;

use super::{UNAPPROVABLE, codes, deviations, inventory_of, now, options};
use crate::mutations::{Manifest, Place, changes, manifests, set};

/// What a change has to lead to, beside the pinned template if it is within the pod.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expect {
    /// No rule judges the field: it is in the normal form for the finding alone.
    Unjudged,
    /// Only the pinned template judges the field.
    Template,
    /// Nothing selects the workload any more.
    Unapproved,
    /// The code, at this field of the workload; `#` stands for the place of a new entry in its list.
    At(&'static str, &'static str),
    /// The same, unless the pod needs the level Privileged anyway.
    AtUnlessPrivileged(&'static str),
    /// The image of a new container, and whatever else there is about it.
    Container(&'static str),
}

/// What each change of [`changes`] has to lead to, in the same order.
fn expectations() -> Vec<(&'static str, Expect)> {
    use Expect::{At, AtUnlessPrivileged, Container, Template, Unapproved, Unjudged};
    vec![
        ("/metadata/name", Unapproved),
        ("/metadata/namespace", Unapproved),
        // Drafts pin the labels that there are, not the absence of others.
        ("/metadata/labels/changed", Unjudged),
        // Who deployed it, and not what it runs.
        ("/metadata/annotations/argocd.argoproj.io~1tracking-id", Unjudged),
        ("/metadata/annotations/meta.helm.sh~1release-name", Unjudged),
        ("/metadata/annotations/meta.helm.sh~1release-namespace", Unjudged),
        ("/metadata/annotations/helm.sh~1hook", Unjudged),
        ("/schedule", At("Schedule", "spec.schedule")),
        ("/timeZone", At("TimeZone", "spec.timeZone")),
        ("/suspend", At("Suspended", "spec.suspend")),
        ("/concurrencyPolicy", Unjudged),
        ("/successfulJobsHistoryLimit", Unjudged),
        ("/failedJobsHistoryLimit", Unjudged),
        ("/startingDeadlineSeconds", Unjudged),
        ("/suspend", At("Suspended", "spec.jobTemplate.spec.suspend")),
        ("/ttlSecondsAfterFinished", Unjudged),
        ("/activeDeadlineSeconds", Unjudged),
        (
            "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1x",
            AtUnlessPrivileged("securityContext.appArmorProfile"),
        ),
        ("/metadata/labels/changed", Template),
        ("/metadata/annotations/changed", Template),
        ("/parallelism", Unjudged),
        ("/affinity/nodeAffinity/changed", Template),
        ("/dnsConfig/nameservers/-", Template),
        ("/dnsPolicy", Template),
        ("/hostAliases/-", Template),
        ("/hostname", Template),
        ("/subdomain", Template),
        ("/serviceAccountName", At("ServiceAccount", "serviceAccountName")),
        ("/automountServiceAccountToken", Template),
        ("/hostPID", AtUnlessPrivileged("hostPID")),
        ("/hostIPC", AtUnlessPrivileged("hostIPC")),
        ("/hostNetwork", AtUnlessPrivileged("hostNetwork")),
        ("/hostUsers", Template),
        ("/shareProcessNamespace", Template),
        ("/nodeName", Template),
        ("/nodeSelector/changed", Template),
        ("/priorityClassName", Template),
        ("/runtimeClassName", Template),
        ("/restartPolicy", Template),
        ("/os/name", Template),
        ("/imagePullSecrets/-", Template),
        ("/tolerations/-", Template),
        ("/volumes/-", Template),
        ("/volumes/-", At("PodSecurity", "volumes[#].hostPath")),
        ("/securityContext/runAsUser", Template),
        ("/securityContext/seccompProfile/type", AtUnlessPrivileged("securityContext.seccompProfile.type")),
        ("/securityContext/sysctls/-", AtUnlessPrivileged("securityContext.sysctls[#].name")),
        ("/initContainers/-", Container("initContainers[#]")),
        ("/initContainers/-", Container("initContainers[#]")),
        ("/containers/-", Container("containers[#]")),
        ("/containers/0/name", Template),
        ("/containers/0/image", At("Image", "containers[0].image")),
        ("/containers/0/imagePullPolicy", Template),
        ("/containers/0/command", At("Command", "containers[0].command")),
        ("/containers/0/command/-", At("Command", "containers[0].command")),
        ("/containers/0/args/-", At("Command", "containers[0].args")),
        ("/containers/0/workingDir", Template),
        ("/containers/0/env/-", Template),
        ("/containers/0/env/-", At("Reference", "containers[0].env[#].valueFrom.secretKeyRef")),
        ("/containers/0/envFrom/-", At("Reference", "containers[0].envFrom[#].secretRef")),
        ("/containers/0/volumeMounts/-", Template),
        ("/containers/0/volumeDevices/-", Template),
        ("/containers/0/ports/-", AtUnlessPrivileged("containers[0].ports")),
        ("/containers/0/securityContext/privileged", AtUnlessPrivileged("containers[0].securityContext.privileged")),
        ("/containers/0/securityContext/procMount", AtUnlessPrivileged("containers[0].securityContext.procMount")),
        (
            "/containers/0/securityContext/capabilities/add/-",
            At("PodSecurity", "containers[0].securityContext.capabilities.add[#]"),
        ),
        (
            "/containers/0/securityContext/appArmorProfile/type",
            AtUnlessPrivileged("containers[0].securityContext.appArmorProfile.type"),
        ),
        ("/containers/0/livenessProbe/exec/command", At("Command", "containers[0].livenessProbe.exec.command")),
        ("/containers/0/readinessProbe/httpGet/host", AtUnlessPrivileged("containers[0].readinessProbe.httpGet.host")),
        (
            "/containers/0/lifecycle/postStart/exec/command",
            At("Command", "containers[0].lifecycle.postStart.exec.command"),
        ),
    ]
}

/// One changed manifest.
struct Changed<'a> {
    manifest: &'a Manifest,
    before: &'a Workload,
    after: Workload,
    /// The draft for what it was before.
    draft: &'a Draft,
    place: Place,
    /// How long the list was that got a new entry.
    length: usize,
}

impl Changed<'_> {
    fn path(&self, field: &str) -> String {
        let field = field.replace('#', &self.length.to_string());
        match self.place {
            Place::Template | Place::Pod => format!("{}.{field}", self.before.pod_path()),
            // A Job has one field for what a CronJob has two.
            Place::Job if self.manifest.kind == WorkloadKind::Job => field.replace(".jobTemplate.spec", ""),
            Place::Whole | Place::Cron | Place::Job => field,
        }
    }

    /// What has to be found, by path. `None` where the draft says for a reason that it cannot be.
    fn expected(&self, expect: Expect) -> BTreeMap<String, &'static str> {
        let spec = &self.draft.approval.spec;
        let mut expected = BTreeMap::new();
        let is_privileged = spec.allowed.pod_security == PodSecurityLevel::Privileged;
        match expect {
            Expect::Unapproved => return BTreeMap::from([(String::new(), "Unapproved")]),
            Expect::Unjudged | Expect::Template | Expect::Container(_) => {}
            Expect::AtUnlessPrivileged(_) if is_privileged => {}
            Expect::AtUnlessPrivileged(field) => {
                expected.insert(self.path(field), "PodSecurity");
            }
            Expect::At(code, field) => {
                expected.insert(self.path(field), code);
            }
        }
        if matches!(self.place, Place::Template | Place::Pod) && spec.expected.template_hash.is_some() {
            expected.insert(self.before.pod_path().to_owned(), "Template");
        }
        expected
    }

    /// Why the change is not seen, or seen otherwise, although nothing is wrong; none in most cases.
    fn is_excused(&self, expect: Expect) -> bool {
        let expected = &self.draft.approval.spec.expected;
        match expect {
            // It was suspended in either way before, or started nothing anyway.
            Expect::At("Suspended", _) => expected.suspended != Some(false) || self.before.suspended(),
            // A Job without labels has those of its pods; with one of its own it has them no more.
            Expect::Unjudged if self.place == Place::Whole => {
                let own = self.manifest.object["metadata"]["labels"].as_object();
                self.before.key.kind == WorkloadKind::Job && own.is_none_or(serde_json::Map::is_empty)
            }
            // There are more images than an approval can list.
            Expect::At("Image", _) | Expect::Container(_) => expected.images.is_empty(),
            // Only a pinned template tells what a wildcard stands for.
            Expect::At("Command", _) => {
                let wildcard =
                    |texts: &Option<Vec<String>>| texts.iter().flatten().any(|text| text.contains(['*', '?']));
                let mut entries = expected.commands.iter();
                expected.template_hash.is_some()
                    && entries.any(|entry| wildcard(&entry.command) || wildcard(&entry.args))
            }
            // The path of the node is mounted already.
            Expect::At("PodSecurity", "volumes[#].hostPath") => {
                self.draft.approval.spec.allowed.host_paths.iter().any(|path| path == "/")
            }
            // Without the user namespace, or with it, the same `/proc` means something else.
            Expect::AtUnlessPrivileged(path) if path.ends_with("procMount") => self.before.pod.own_user_namespace,
            _ => false,
        }
    }

    /// What is wrong, if anything.
    fn verdict(&self, field: &str, expect: Expect, inventory: &Inventory) -> Option<String> {
        if self.is_excused(expect) {
            return None;
        }
        let found = deviations(&self.after, inventory);
        let mut observed = codes(&found);
        if observed.len() != found.len() {
            return Some(format!("{}: {field}: two deviations at one place: {found:?}", self.manifest.name));
        }
        if let Expect::Container(list) = expect {
            let container = self.path(list);
            let image = observed.get(&format!("{container}.image")).copied();
            // A new container is more than one field: it also has a command, and no security context.
            observed.retain(|path, _| !path.starts_with(&container));
            if image != Some("Image") {
                return Some(format!("{}: {field}: the new image is not found: {found:?}", self.manifest.name));
            }
        }
        let expected = self.expected(expect);
        (observed != expected)
            .then(|| format!("{}: {field}: expected {expected:?}, observed {observed:?}", self.manifest.name))
    }
}

fn check(strict: bool) -> anyhow::Result<()> {
    let mut manifests = manifests()?;
    manifests.retain(|manifest| {
        let drafted = manifest.normal_form(&manifest.object).map(|w| approval(&w, &options(strict), now()));
        !UNAPPROVABLE.contains(&manifest.name.as_str()) && drafted.is_ok_and(|drafted| drafted.is_ok())
    });
    assert!(manifests.len() > 50, "only {} manifests have drafts", manifests.len());
    let workloads = manifests.iter().map(|m| m.normal_form(&m.object)).collect::<anyhow::Result<Vec<_>>>()?;
    let drafted = baseline(workloads.clone(), &options(strict), false, now());
    assert_eq!(drafted.undrafted, []);
    let inventory = inventory_of(&drafted.drafts);
    let changes = changes();
    let expectations = expectations();
    assert_eq!(changes.len(), expectations.len(), "each change has an expectation");
    let mut wrong = Vec::new();
    let mut excused = 0;
    let mut checked = 0;
    for ((place, field, new), (named, expect)) in changes.into_iter().zip(expectations) {
        assert_eq!(field, named, "the expectations are in the order of the changes");
        let mut seen = 0;
        for (manifest, before) in manifests.iter().zip(&workloads) {
            let Some(start) = place.pointer(manifest.kind) else { continue };
            let pointer = format!("{start}{field}");
            let list = pointer.strip_suffix("/-").and_then(|list| manifest.object.pointer(list));
            let length = list.and_then(Value::as_array).map_or(0, Vec::len);
            let mut object = manifest.object.clone();
            if !set(&mut object, &pointer, &new) {
                continue;
            }
            let after = manifest.normal_form(&object)?;
            let draft = drafted.drafts.iter().find(|draft| {
                let matches = &draft.approval.spec.matches;
                matches.kinds == [before.key.kind]
                    && matches.namespaces == [before.key.namespace.as_str()]
                    && matches.names == [before.key.name.as_str()]
            });
            let draft = draft.expect("a draft");
            let changed = Changed { manifest, before, after, draft, place, length };
            checked += 1;
            if changed.is_excused(expect) {
                excused += 1;
            } else {
                seen += 1;
            }
            wrong.extend(changed.verdict(field, expect, &inventory));
        }
        assert!(seen > 3, "{field} was judged in {seen} manifests only");
    }
    assert!(wrong.is_empty(), "{} of {checked} changes give something else:\n{}", wrong.len(), wrong.join("\n"));
    assert!(excused * 20 < checked, "{excused} of {checked} changes are excused");
    Ok(())
}

#[test]
fn a_change_of_one_field_is_seen_at_that_field_and_in_the_template() -> anyhow::Result<()> {
    check(true)
}

#[test]
fn a_change_of_one_field_is_seen_at_that_field_alone() -> anyhow::Result<()> {
    check(false)
}
