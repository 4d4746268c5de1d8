//! Examples at the end of each `--help`.

pub(super) const SCAN: &str = "\
Examples:
  # Judge a folder by the approvals that are in it.
  cronwarden scan manifests

  # Judge what Helm renders by the inventory of the cluster.
  helm template app charts/app | cronwarden scan - --inventory cluster

  # Only what is urgent fails a pipeline; the rest is in the report.
  cronwarden scan manifests --fail-on high -o sarif > cronwarden.sarif";

pub(super) const BASELINE: &str = "\
Examples:
  # Everything that the cluster runs, once for all namespaces alike.
  cronwarden baseline -A --group > inventory.yaml

  # What is in a folder, with the host paths that are known and wanted.
  cronwarden baseline manifests --accept-risk HostPath > inventory.yaml";

pub(super) const APPROVE: &str = "\
Examples:
  # What would have to change for a workload of the cluster.
  cronwarden approve CronJob/payments/nightly-backup -o diff

  # Approve what a finding is about, after reading it.
  kubectl get findings
  cronwarden approve FINDING | kubectl apply -f -

  # Every workload of a file, by the approvals of a folder.
  cronwarden approve manifests/backup.yaml --inventory inventory";

pub(super) const EXPLAIN: &str = "\
Examples:
  # A workload of the cluster, by the inventory of the cluster.
  cronwarden explain CronJob/payments/nightly-backup

  # Where a Job comes from, and what ran in its Pods.
  cronwarden explain Job/payments/nightly-backup-29669880

  # A workload before it is applied.
  cronwarden explain cj/payments/nightly-backup -f manifests

  # What a code means, and what to do about it.
  cronwarden explain --code HostPath";

pub(super) const REPLAY: &str = "\
Examples:
  # What happened, judged by the approvals as the logs tell of them.
  cronwarden replay audit-*.log.gz

  # What deviated from the inventory in Git from one day on, and who did it.
  cronwarden replay audit.log --inventory inventory --only-deviating \\
    --since 2026-10-01

  # What a managed cluster exports.
  aws logs filter-log-events --log-group-name /aws/eks/prod/cluster |
    cronwarden replay - -o json";

pub(super) const RUN: &str = "\
Examples:
  # On a desk, with the credentials of the kubeconfig.
  cronwarden run --listen 127.0.0.1:8080 --log-format pretty

  # With the deployment paths that changes are to come by.
  cronwarden run --config deployment-paths.yaml

  # Follow the audit log of an API server on the same machine.
  cronwarden run --audit-log /var/log/kubernetes/audit.log

  # Take in audit events over HTTPS.
  cronwarden run --intake-listen 0.0.0.0:8443 --tls-cert certs/tls.crt \\
    --tls-key certs/tls.key --intake-client-ca certs/ca.crt";

pub(super) const CRD: &str = "\
Examples:
  cronwarden crd | kubectl apply --server-side -f -";

pub(super) const CERTIFICATES: &str = "\
Examples:
  # With the cluster IP of the Service, as API servers cannot resolve its name.
  cronwarden certificates --output certs --address 10.96.0.50:443
  kubectl apply -f certs/secret.yaml

  # For an operator that runs beside the API server.
  cronwarden certificates --output certs --address 127.0.0.1:8443";

pub(super) const COMPLETION: &str = "\
Examples:
  source <(cronwarden completion bash)";

pub(super) const MAN: &str = "\
Examples:
  cronwarden man | man -l -
  cronwarden man --output ~/.local/share/man/man1";
