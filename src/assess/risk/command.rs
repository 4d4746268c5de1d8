//! Commands that do what attackers do.
//!
//! Each pattern stands for a behaviour, not for a sample: download and run, reverse shell, hidden text, escape to the node,
//! theft of credentials, mining. They are hints for whoever reads the finding, never a verdict of their own.

use std::sync::LazyLock;

use regex::bytes::{RegexSet, RegexSetBuilder};

use super::super::facts::Facts;
use super::risk;
use crate::api::code::RiskCode;
use crate::api::finding::Risk;
use crate::workload::Container;
use crate::workload::pod::EnvSource;

/// A behaviour and the expression that recognises it.
const BEHAVIOURS: &[(&str, &str)] = &[
    ("downloads code and runs it", r"\b(curl|wget|fetch)\b[^\n]*\|\s*(sudo\s+)?(/\S*/)?(ba|da|z|k|a)?sh\b"),
    // An interpreter runs what it is piped only if it is given no program of its own: not in `| python3 -m json.tool`.
    (
        "downloads code and runs it",
        r#"\b(curl|wget|fetch)\b[^\n]*\|\s*(sudo\s+)?(/\S*/)?(python[0-9.]*|perl|node|ruby|php)(\s+-[uBIsESw]+)*(\s+-(\s|$|['"`);&|])|['"`)]|\s*($|[;&|\n>]))"#,
    ),
    ("downloads code and runs it", r"\b(ba|da|z)?sh\s+(-c\s+)?\S*(<\(|\$\(|`)\s*(curl|wget)\b"),
    (
        "downloads a file and runs it",
        r"(?s)\b(curl|wget)\b.*\s(-o|-O|--output|--output-document)\b.*[;&\n]\s*((ba|da|z|k|a)?sh|python[0-9.]*|perl|source|\.)\s+[/.~]",
    ),
    (
        "downloads a file, makes it executable and runs it",
        r"(?s)\b(curl|wget)\b.*\bchmod\s+([ugoa]*\+[rwst]*x|[0-7]*[1357][0-7]{0,2})\b",
    ),
    (
        "downloads code and runs it",
        // `exec` of Python, with its bracket or, as before version 3, without; not that of the shell.
        r#"(?is)\b(urlopen|requests\.get)\b.*[^.\w]exec\s*\(|(^|[^.\w])exec\s*\(.*\b(urlopen|requests\.get)\b|\bexec\s+(\w+\.)*urlopen\b|\burlopen\b.*\bexec\s+\w+\s*['"]"#,
    ),
    (
        "downloads code and runs it",
        r"(?is)\b(iex|invoke-expression)\b.*\b(downloadstring|downloaddata|net\.webclient|invoke-webrequest|iwr|invoke-restmethod|irm)\b",
    ),
    (
        "downloads code and runs it",
        r"(?is)\b(downloadstring|downloaddata|invoke-webrequest|iwr|invoke-restmethod|irm)\b.*[|;&\n]\s*(iex|invoke-expression)\b",
    ),
    ("opens a reverse shell", r"/dev/(tcp|udp)/"),
    ("opens a reverse shell", r"\bn(et)?c(at)?\b[^\n|;]*\s(-[a-z]*[ec][a-z]*|--exec|--sh-exec)\s"),
    ("opens a reverse shell", r"\bmkfifo\b.*\bn(et)?c(at)?\b"),
    ("opens a reverse shell", r"(?i)\bsocat\b.*\b(exec|system|shell):"),
    ("opens a reverse shell", r"(?s)\bmkfifo\b.*\bopenssl\s+s_client\b"),
    ("opens a reverse shell", r"\bopenssl\s+s_client\b[^\n]*\|\s*(/\S*/)?(ba|da|z|k|a)?sh\b"),
    // Python: a socket in the place of a terminal, or a socket and a shell. `--socket` is an option of honest programs.
    ("opens a reverse shell", r"(?s)\bsocket\b.*\b(dup2|pty\.spawn)\b"),
    (
        "opens a reverse shell",
        r#"(?s)(\bimport\s+([\w.]+\s*,\s*)*socket\b|\bfrom\s+socket\b|\bsocket\.(socket|create_connection)\b).*(\bsubprocess\b|["']/(usr/)?bin/(ba|da|z|k|a)?sh\b)"#,
    ),
    // Perl.
    (
        "opens a reverse shell",
        r"(?s)\b(use\s+Socket|IO::Socket)\b.*(\bSTDIN\W{1,8}&|\bSTDIN->fdopen\b|\b(exec|system)\W{1,8}(/(usr/)?bin/)?(ba|da|z|k|a)?sh\b)",
    ),
    // Ruby.
    (
        "opens a reverse shell",
        r#"(?s)\bTCPSocket\b.*(\bpopen|\bexec\s*\(?\s*(sprintf|["'])|\bspawn\s*\(|\$stdin\.reopen)|\bspawn\s*\(\s*["'].*\bTCPSocket\b"#,
    ),
    ("runs text that was encoded to hide it", r"(?i)\b(powershell|pwsh)(\.exe)?\b.*\s[-/](e|ec|en[a-z]*)\s+\S{16}"),
    (
        "runs text that was encoded to hide it",
        r"\bbase64\s+(-d|-D|--decode)\b[^\n]*\|\s*(sudo\s+)?(/\S*/)?((ba|da|z|k|a)?sh|python[0-9.]*|perl|node|php)\b",
    ),
    (
        "runs text that was encoded to hide it",
        r"\b(eval|exec)\b[^\n]*\b(base64|b64decode|atob|fromhex|unhexlify|xxd)\b",
    ),
    (
        "runs text that was encoded to hide it",
        r"\b(xxd\s+-r|openssl\s+enc\s+-d|gunzip|gzip\s+-d)\b[^\n]*\|\s*((ba|da|z|k|a)?sh|python[0-9.]*|perl)\b",
    ),
    ("enters the node", r"\bnsenter\b[^\n]*(--target[= ]1\b|-t\s*1\b)"),
    ("enters the node", r"\bchroot\s+/(host|rootfs|mnt|node)\b"),
    (
        "changes how the node logs in or starts",
        r"/(host|rootfs|mnt)/?\S*/(etc/(cron|shadow|passwd|sudoers|ld\.so\.preload|systemd)|root/\.ssh|var/spool/cron)",
    ),
    ("changes how the node logs in or starts", r">>?\s*\S*authorized_keys\b"),
    // The folder or the token; not `ca.crt` and `namespace`, which are no credentials.
    ("reads the credentials of the service account", r"/run/secrets/kubernetes\.io/serviceaccount/*($|[^\w/]|t)"),
    (
        "reads the credentials of the cloud",
        r"(?i)169\.254\.169\.254|metadata\.google\.internal|169\.254\.170\.2\b|100\.100\.100\.200|\bfd00:0?ec2:(:|(0{1,4}:){5})0?254\b|\bfd20:ce::254\b",
    ),
    ("reads the secrets of the cluster", r"\bkubectl\b[^\n]*\bget\s+secrets?\b"),
    ("grants privileges", r"\bkubectl\b[^\n]*\bcreate\s+(clusterrolebinding|rolebinding)\b"),
    (
        "mines cryptocurrency",
        r"(?i)\b(xmrig|minerd|ethminer|cpuminer|nbminer|t-rex)\b|stratum\+(tcp|ssl)://|--donate-level\b",
    ),
    (
        "talks to a service for callbacks or file drops",
        r"(?i)\b(pastebin\.com|transfer\.sh|ngrok\.(io|app|com)|webhook\.site|oast\.(fun|pro|live|site|me)|interact\.sh|burpcollaborator\.net|\w+\.onion)\b",
    ),
    ("hides its traces", r"\bhistory\s+-c\b|\bunset\s+HISTFILE\b|\bshred\s+-\w*u|HISTFILE=/dev/null"),
];

// Bytes and ASCII: what is looked for is ASCII, and a boundary between words of any script would make the search a hundred times
// slower as soon as a text holds one other character.
static EXPRESSIONS: LazyLock<RegexSet> = LazyLock::new(|| {
    let expressions = BEHAVIOURS.iter().map(|(_, expression)| expression);
    #[allow(clippy::expect_used)]
    RegexSetBuilder::new(expressions).unicode(false).build().expect("the expressions of this file are valid")
});

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Risk>) {
    for (path, container) in facts.containers() {
        for (field, text) in texts(container) {
            let mut behaviours: Vec<&str> =
                EXPRESSIONS.matches(text.as_bytes()).iter().filter_map(|i| Some(BEHAVIOURS.get(i)?.0)).collect();
            behaviours.dedup();
            if !behaviours.is_empty() {
                found.push(risk(RiskCode::SuspiciousCommand, format!("{path}.{field}"), behaviours.join(", ")));
            }
        }
    }
}

/// Every text of a container that may run. Commands and arguments are looked at together, as the shell would see them.
fn texts(container: &Container) -> impl Iterator<Item = (String, String)> + '_ {
    let field = if container.args.is_empty() { "command" } else { "args" };
    let line: Vec<&str> = container.command.iter().chain(&container.args).map(String::as_str).collect();
    let hooks = container.hooks.iter().map(|hook| (format!("{}.exec.command", hook.field), hook.command.join(" ")));
    let environment = container.env.iter().enumerate().filter_map(|(i, variable)| match &variable.source {
        // It names the metadata service so that nobody asks a proxy for credentials.
        EnvSource::Literal(text) if variable.name.eq_ignore_ascii_case("NO_PROXY") && is_host_list(text.expose()) => {
            None
        }
        EnvSource::Literal(text) => Some((format!("env[{i}].value"), text.expose().to_owned())),
        EnvSource::ConfigMap(..) | EnvSource::Secret(..) | EnvSource::Field(_) | EnvSource::Other(_) => None,
    });
    std::iter::once((field.to_owned(), line.join(" ")))
        .chain(hooks)
        .chain(environment)
        .filter(|(_, text)| !text.is_empty())
}

/// Whether a text is a list of hosts and networks, and so nothing that a shell would run.
fn is_host_list(text: &str) -> bool {
    text.split(',').map(str::trim).all(|host| {
        let (host, prefix) = host.split_once('/').unwrap_or((host, ""));
        host.bytes().all(|b| b.is_ascii_alphanumeric() || b"*.:-_[]".contains(&b))
            && prefix.bytes().all(|b| b.is_ascii_digit())
    })
}
