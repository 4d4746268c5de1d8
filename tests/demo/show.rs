//! The tables, as `kubectl` prints them, and what to try next.

use anyhow::Context;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::operator::Operator;
use crate::screen::Screen;

const SEVERITIES: [&str; 4] = ["Low", "Medium", "High", "Critical"];

/// Whoever sends Events to people.
const REPORTER: &str = "reportingComponent=cronwarden.dev/operator";
const EVENT_COLUMNS: &str =
    "custom-columns=NAMESPACE:.metadata.namespace,TYPE:.type,REASON:.reason,OBJECT:.involvedObject.name,NOTE:.message";

/// The findings, the inventory, the worst finding in full, and the Events.
pub async fn findings(cluster: &Cluster, screen: &Screen) -> anyhow::Result<()> {
    screen.step("What Cronwarden makes of it");
    list(cluster, screen, &["get", "findings"]).await?;
    list(cluster, screen, &["get", "acj"]).await?;
    let worst = worst(cluster).await?;
    let described = cluster.kubectl(["describe", "finding", &worst]).run().await?;
    screen.text(&format!("kubectl describe finding {worst}"), &described.stdout);
    list(cluster, screen, &["get", "events", "-A", "--field-selector", REPORTER, "-o", EVENT_COLUMNS]).await
}

async fn list(cluster: &Cluster, screen: &Screen, arguments: &[&str]) -> anyhow::Result<()> {
    let output = cluster.kubectl(arguments).run().await?;
    screen.list(&format!("kubectl {}", arguments.join(" ")), &output.stdout);
    Ok(())
}

/// The finding of the highest severity; among equals the one with the most risks.
async fn worst(cluster: &Cluster) -> anyhow::Result<String> {
    let list = cluster.kubectl(["get", "findings", "-o", "json"]).run().await?.json()?;
    let rank = |finding: &&Value| {
        let status = &finding["status"];
        let severity = SEVERITIES.iter().position(|severity| status["severity"] == *severity);
        (severity, status["riskReasons"].as_str().unwrap_or_default().matches(',').count())
    };
    let worst = list["items"].as_array().into_iter().flatten().max_by_key(rank).context("there is no finding")?;
    Ok(worst["metadata"]["name"].as_str().context("a finding without a name")?.to_owned())
}

/// What to try in the cluster, which stays for now.
pub fn how_to_go_on(cluster: &Cluster, operator: &Operator, screen: &Screen) {
    let kubectl = match cluster.hidden_kubectl() {
        Some(kubectl) => format!("  alias kubectl={}\n", kubectl.display()),
        None => String::new(),
    };
    screen.line("");
    screen.step("Now it is yours, until Ctrl-C");
    screen.line(&format!(
        "\
In another terminal:

  export KUBECONFIG={kubeconfig}
{kubectl}  kubectl get findings --watch

Then, in a third one, try for example:

  # Mend one: the finding becomes Resolved.
  kubectl patch cronjob flash-sale-prices -n shop -p '{{\"spec\":{{\"suspend\":true}}}}'

  # Break one that is approved: a finding appears at once, and an Event on the CronJob.
  kubectl patch cronjob ledger-backup -n payments -p '{{\"spec\":{{\"schedule\":\"* * * * *\"}}}}'

  # Acknowledge one: it stays Acknowledged until anything about it changes. The command is among its next steps:
  kubectl describe $(kubectl get findings -o name | grep gdpr-export)

  # Approve one (the lines are not indented, so that they can be pasted):
kubectl apply -f - <<END
apiVersion: cronwarden.dev/v1alpha1
kind: ApprovedCronJob
metadata: {{ name: shop-newsletter }}
spec:
  match: {{ namespaces: [shop], names: [newsletter] }}
  owner: {{ team: shop }}
  expected: {{ images: [{{ repository: registry.acme.example/shop/newsletter }}] }}
END

The operator writes its log to {log}
and serves its metrics at {metrics}
",
        kubeconfig = cluster.kubeconfig().display(),
        log = operator.log().display(),
        metrics = operator.metrics(),
    ));
}
