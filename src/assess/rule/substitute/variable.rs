//! Variables that make a program load or run other code.
//!
//! Some do nothing else, and being set is enough. Others are mostly set for good reasons, such as a heap size or the libraries of a
//! GPU; of these the value is judged: options only if they load code, paths only if they lead to where the image's own code does
//! not lie. Values out of ConfigMaps and Secrets are spoken for by the lists of the approval.

use std::collections::BTreeMap;

use super::super::super::facts::Facts;
use super::place::unapproved_programs;
use crate::inventory::Rules;
use crate::workload::pod::{EnvSource, EnvVar};
use crate::workload::{Container, LONGEST_TEXT};

/// How a variable brings other code in.
enum Effect {
    /// The value is code, or names what is loaded before the program.
    Loads,
    /// The value is a list of options, some of which load code: the one that this one is, if any.
    Options(fn(&str) -> Option<&'static str>),
    /// The value is a list of paths in which code is looked for.
    Paths,
    /// The value is the path of a program, or a word that is looked for in `PATH`.
    Program,
    /// The value is the command that stands for `ssh`.
    Ssh,
}

fn effect(name: &str) -> Option<(&'static str, Effect)> {
    const LOADS: &[&str] = &[
        "LD_PRELOAD",
        "LD_AUDIT",
        "BASH_ENV",
        "PERL5OPT",
        "PERL5DB",
        "PYTHONSTARTUP",
        "DOTNET_STARTUP_HOOKS",
        "GIT_EXTERNAL_DIFF",
        "GIT_PROXY_COMMAND",
    ];
    const PATHS: &[&str] = &[
        // The shell and the loader.
        "PATH",
        "LD_LIBRARY_PATH",
        "GCONV_PATH",
        "OPENSSL_CONF",
        "OPENSSL_ENGINES",
        "OPENSSL_MODULES",
        // Interpreters and runtimes.
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONUSERBASE",
        "NODE_PATH",
        "RUBYLIB",
        "GEM_HOME",
        "GEM_PATH",
        "BUNDLE_GEMFILE",
        "PERL5LIB",
        "PERLLIB",
        "PHPRC",
        "PHP_INI_SCAN_DIR",
        "LUA_PATH",
        "LUA_CPATH",
        "R_LIBS",
        "R_LIBS_USER",
        "R_PROFILE_USER",
        "CLASSPATH",
        "JAVA_HOME",
        "DOTNET_ADDITIONAL_DEPS",
        "DOTNET_SHARED_STORE",
        "CORECLR_PROFILER_PATH",
        // Git.
        "GIT_EXEC_PATH",
    ];
    const PROGRAMS: &[&str] = &["GIT_SSH", "GIT_ASKPASS", "SSH_ASKPASS"];
    let listed = |list: &[&'static str]| list.iter().copied().find(|known| *known == name);
    if let Some(name) = listed(LOADS) {
        return Some((name, Effect::Loads));
    }
    if let Some(name) = listed(PATHS) {
        return Some((name, Effect::Paths));
    }
    if let Some(name) = listed(PROGRAMS) {
        return Some((name, Effect::Program));
    }
    Some(match name {
        "JAVA_TOOL_OPTIONS" => ("JAVA_TOOL_OPTIONS", Effect::Options(java)),
        "_JAVA_OPTIONS" => ("_JAVA_OPTIONS", Effect::Options(java)),
        "JDK_JAVA_OPTIONS" => ("JDK_JAVA_OPTIONS", Effect::Options(java)),
        "NODE_OPTIONS" => ("NODE_OPTIONS", Effect::Options(node)),
        "RUBYOPT" => ("RUBYOPT", Effect::Options(ruby)),
        "GIT_SSH_COMMAND" => ("GIT_SSH_COMMAND", Effect::Ssh),
        _ => return None,
    })
}

/// The variables of a container that substitute code: their places in the list, and what they do.
pub(super) fn substitutions(facts: &Facts<'_>, rules: &Rules, container: &Container) -> Vec<(usize, String)> {
    let mut known: Vec<_> = container.env.iter().enumerate().filter_map(|(i, v)| Some((i, effect(&v.name)?))).collect();
    known.retain(|(i, _)| container.env.get(*i).is_some_and(is_set));
    if known.is_empty() {
        return Vec::new();
    }
    let values = values(&container.env);
    let found = known.into_iter().filter_map(|(i, (name, effect))| {
        let deed = match (effect, values.get(i)?) {
            (Effect::Loads, _) => "is set".to_owned(),
            (_, Value::Untold) => "is set to what cannot be told".to_owned(),
            (Effect::Options(loading), Value::Text(text)) => {
                let text = text.replace(['"', '\'', '\\'], "");
                format!("loads code by {}", text.split_whitespace().find_map(loading)?)
            }
            (Effect::Paths, Value::Text(text)) => leads_to(facts, rules, container, text.split([':', ';']))?,
            (Effect::Program, Value::Text(text)) => {
                leads_to(facts, rules, container, Some(text.as_str()).filter(|text| text.contains('/')))?
            }
            (Effect::Ssh, Value::Text(text)) if is_plain_ssh(text) => return None,
            (Effect::Ssh, Value::Text(_)) => "runs another program than ssh".to_owned(),
        };
        Some((i, format!("{name} {deed}")))
    });
    found.collect()
}

/// Where the first of some paths leads that does not lead to approved programs.
fn leads_to<'a>(
    facts: &Facts<'_>,
    rules: &Rules,
    container: &Container,
    paths: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let content = paths
        .into_iter()
        .filter_map(|path| absolute(path.trim(), container))
        .find_map(|path| unapproved_programs(facts, rules, container, &path))?;
    Some(format!("leads to {content}"))
}

fn is_set(variable: &EnvVar) -> bool {
    !matches!(&variable.source, EnvSource::Literal(value) if value.expose().is_empty())
}

/// An entry of a search path. Where the image works is not known, but lies in the image.
fn absolute(entry: &str, container: &Container) -> Option<String> {
    match &container.working_dir {
        _ if entry.is_empty() => None,
        _ if entry.starts_with('/') => Some(entry.to_owned()),
        Some(directory) => Some(format!("{directory}/{entry}")),
        None => None,
    }
}

/// The value of a variable, as far as it can be told.
enum Value {
    /// It is this; what lists of the approval or the API server speak for is left out.
    Text(String),
    /// It may be anything.
    Untold,
}

/// The value of each variable, with what `$(NAME)` refers to put in its place, as the kubelet does: earlier variables only.
fn values(env: &[EnvVar]) -> Vec<Value> {
    let mut earlier: BTreeMap<&str, usize> = BTreeMap::new();
    let mut values: Vec<Value> = Vec::with_capacity(env.len());
    for (i, variable) in env.iter().enumerate() {
        let value = match &variable.source {
            EnvSource::Literal(text) => expand(text.expose(), |name| values.get(*earlier.get(name)?)),
            // Of all fields, annotations alone can hold any text.
            EnvSource::Field(field) if field.starts_with("metadata.annotations") => Value::Untold,
            EnvSource::Other(text) if !text.starts_with("resourceFieldRef") => Value::Untold,
            EnvSource::ConfigMap(..) | EnvSource::Secret(..) | EnvSource::Field(_) | EnvSource::Other(_) => {
                Value::Text(String::new())
            }
        };
        values.push(value);
        earlier.insert(&variable.name, i);
    }
    values
}

/// Follows `third_party/forked/golang/expansion` of Kubernetes: `$$` stands for `$`, and a reference to nothing for itself. A value
/// that is longer than what the normal form keeps is not told, so that nothing hides behind its end.
fn expand<'a>(text: &str, value: impl Fn(&str) -> Option<&'a Value>) -> Value {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            match value(name) {
                Some(Value::Untold) => return Value::Untold,
                Some(Value::Text(text)) => expanded.push_str(text),
                None => expanded.extend(["$(", name, ")"]),
            }
            rest = after;
        } else {
            expanded.push('$');
        }
        if expanded.len() > LONGEST_TEXT {
            return Value::Untold;
        }
    }
    expanded.push_str(rest);
    if expanded.len() > LONGEST_TEXT { Value::Untold } else { Value::Text(expanded) }
}

/// Options of the Java virtual machine that load agents, classes or further options, or that start programs.
fn java(option: &str) -> Option<&'static str> {
    const LOADING: &[&str] = &[
        "-javaagent",
        "-agentpath",
        "-agentlib",
        "-Xrun",
        "-Xbootclasspath",
        "-cp",
        "-classpath",
        "--class-path",
        "-p",
        "--module-path",
        "--upgrade-module-path",
        "--patch-module",
        "-Djava.class.path",
        "-Djava.system.class.loader",
        "-XX:Flags",
        "-XX:VMOptionsFile",
        "-XX:OnError",
        "-XX:OnOutOfMemoryError",
        "@",
    ];
    LOADING.iter().copied().find(|loading| match *loading {
        "-p" | "-cp" => option == *loading,
        loading => option.starts_with(loading),
    })
}

/// Options of Node that load modules, or that let whoever connects run code.
fn node(option: &str) -> Option<&'static str> {
    const LOADING: &[&str] = &[
        "-r",
        "--require",
        "--import",
        "--loader",
        "--experimental-loader",
        "--experimental-config-file",
        "--openssl-config",
        "--snapshot-blob",
        "--inspect",
        "--inspect-brk",
        "--inspect-wait",
    ];
    let name = option.split('=').next().unwrap_or_default().replace('_', "-");
    LOADING.iter().copied().find(|loading| *loading == name)
}

/// Options of Ruby that load libraries or add folders of them. The hyphen may be left out, and other letters may come before.
fn ruby(option: &str) -> Option<&'static str> {
    let letters = option.strip_prefix('-').unwrap_or(option);
    match letters.trim_start_matches(|c: char| "dvwWU012".contains(c)).chars().next()? {
        'r' => Some("-r"),
        'I' => Some("-I"),
        _ => None,
    }
}

/// Whether a command is `ssh` with options that start nothing else. A shell reads it.
fn is_plain_ssh(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let lower = command.to_ascii_lowercase();
    matches!(words.next(), Some("ssh" | "/usr/bin/ssh"))
        && !command.contains(|c: char| ";|&$`<>(){}\\\n".contains(c))
        && !["command", "provider", "include"].iter().any(|keyword| lower.contains(keyword))
        && !words.any(|word| word.starts_with("-F") || word.starts_with("-I"))
}
