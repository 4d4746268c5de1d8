mod documents;
mod hostile;
mod locations;
mod objects;
mod scalars;

use super::{Contents, Document, Documents, Level, read};

const CRON_JOB: &str = "\
apiVersion: batch/v1
kind: CronJob
metadata:
  name: backup
  labels:
    app.kubernetes.io/name: backup
spec:
  schedule: '*/5 * * * *'
  suspend:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
          - name: main
            image: registry.example.com/backup:1.2
          - {name: side, image: busybox}
";

fn document(text: impl Into<Vec<u8>>) -> Document {
    Document { text: text.into(), offset: 0, line: 1 }
}

/// What is read from the only document of a text.
fn contents(text: &str) -> Contents {
    read(&document(text))
}

fn documents(text: &[u8]) -> Vec<Document> {
    Documents::new(text).map(|document| document.expect("a document")).collect()
}

/// A list of objects, its fields in the order in which `kubectl get` prints them.
fn list(items: &[&str]) -> String {
    let lines = items.iter().flat_map(|item| item.lines().enumerate());
    let items = lines.map(|(number, line)| [if number == 0 { "- " } else { "  " }, line, "\n"].concat());
    let items: String = items.collect();
    format!("apiVersion: v1\nitems:\n{items}kind: List\nmetadata:\n  resourceVersion: ''\n")
}

fn errors(contents: &Contents) -> Vec<&str> {
    told(contents, Level::Error)
}

fn told(contents: &Contents, level: Level) -> Vec<&str> {
    contents.problems.iter().filter(|problem| problem.level == level).map(|problem| problem.message.as_str()).collect()
}
