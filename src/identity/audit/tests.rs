use super::*;

#[test]
fn native() {
    let line = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a","stage":"ResponseComplete","requestURI":"/apis/batch/v1/namespaces/n/cronjobs?fieldManager=k","verb":"create","user":{"username":"jane","groups":["system:authenticated"]},"sourceIPs":["10.0.0.1"],"objectRef":{"resource":"cronjobs","namespace":"n","name":"c","apiGroup":"batch","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":201},"responseObject":{"kind":"CronJob","apiVersion":"batch/v1","metadata":{"name":"c","namespace":"n","uid":"u","generation":1,"resourceVersion":"7","creationTimestamp":"2026-01-01T00:00:00Z"}},"stageTimestamp":"2026-01-01T00:00:00.123456Z"}"#;
    let reading = read(line.as_bytes());
    assert_eq!(reading.facts.len(), 1, "{reading:#?}");
    let list = format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{line},{line}]}}"#);
    assert_eq!(read(list.as_bytes()).facts.len(), 2);
    assert_eq!(read(format!("{line}\n2026 x {line}{line}").as_bytes()).facts.len(), 3);
}
