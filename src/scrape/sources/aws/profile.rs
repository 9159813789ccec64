//! The shared files: `~/.aws/credentials` and `~/.aws/config`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::scrape::read_plain_text;
use crate::series::text::clean;

use super::Keys;
use super::role::Role;

/// Largest file read.
const MAX_FILE: u64 = 1 << 20;

/// Settings that need what weescale does not do: a browser, a token of somebody else's, a role of the machine.
const ELSEWHERE: [&str; 5] =
    ["role_arn", "sso_session", "sso_start_url", "web_identity_token_file", "login_session"];

/// What a profile gives.
pub(super) enum Given {
    /// Keys themselves.
    Keys(Keys),
    /// A command that prints keys.
    Process(String),
    /// A role, for which the keys of another profile are given.
    Role(Role),
}

type Section = BTreeMap<String, String>;

/// The profile `name` of both files; the credentials file wins key by key. `None` if neither has it. `plain` asks for its
/// own keys, whatever role it asks for: a profile may name itself as the source of its role.
pub(super) fn read(
    name: &str,
    credentials: &Path,
    config: &Path,
    plain: bool,
) -> Result<Option<Given>, String> {
    let mut profile = section(config, |heading| {
        heading == name && name == "default" || heading.strip_prefix("profile ").map(str::trim) == Some(name)
    })?;
    let own = section(credentials, |heading| heading == name)?;
    let found = profile.is_some() || own.is_some();
    let profile = {
        let mut merged = profile.take().unwrap_or_default();
        merged.extend(own.unwrap_or_default());
        merged
    };
    if !found {
        return Ok(None);
    }
    let get = |key: &str| profile.get(key).map(String::as_str).filter(|v| !v.is_empty());
    let shown = clean(name, 64);
    // A profile that assumes a role has the keys of its source, if any: they are not what was asked for.
    let role = if plain { None } else { Role::new(&get).map_err(|why| format!("profile {shown}: {why}"))? };
    if let Some(role) = role {
        return Ok(Some(Given::Role(role)));
    }
    if !plain && let Some(key) = ELSEWHERE.iter().find(|key| get(key).is_some()) {
        return Err(format!(
            "profile {shown} has {key}, which needs a call that weescale does not make; write a profile with \
             credential_process = aws configure export-credentials --profile {shown} --format process"
        ));
    }
    match (get("aws_access_key_id"), get("aws_secret_access_key"), get("credential_process")) {
        (Some(id), Some(secret), _) => {
            let keys = Keys::new(id, secret, get("aws_session_token"), None);
            keys.map(|k| Some(Given::Keys(k))).map_err(|why| format!("profile {shown}: {why}"))
        }
        (Some(_), None, _) => {
            Err(format!("profile {shown} has aws_access_key_id but no aws_secret_access_key"))
        }
        (None, Some(_), _) => {
            Err(format!("profile {shown} has aws_secret_access_key but no aws_access_key_id"))
        }
        (None, None, Some(command)) => Ok(Some(Given::Process(command.to_owned()))),
        (None, None, None) => Ok(None),
    }
}

/// The settings of the sections whose heading satisfies `wanted`; `None` if the file has none, or is not there.
fn section(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Option<Section>, String> {
    let failed = |why: String| format!("cannot read {}: {why}", path.display());
    let text = match read_plain_text(path, MAX_FILE) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    let (mut found, mut inside) = (None, false);
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = trimmed.strip_prefix('[') {
            let heading = rest.split(']').next().unwrap_or_default().trim();
            inside = wanted(heading);
            if inside {
                found.get_or_insert_with(Section::new);
            }
            continue;
        }
        // An indented line belongs to a nested setting (`s3 =`), of which we use none.
        if inside
            && !line.starts_with([' ', '\t'])
            && let Some((key, value)) = trimmed.split_once('=')
            && let Some(section) = found.as_mut()
        {
            // Of settings given twice the later one counts, as in AWS's own tools.
            let value = value.split(" #").next().unwrap_or_default().trim();
            section.insert(key.trim().to_lowercase(), value.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "# mine\n[default]\naws_access_key_id = AKDEFAULT\naws_secret_access_key=abc/+=\n\
                               [half]\naws_access_key_id=AKHALF\n[chain]\naws_access_key_id=A\naws_secret_access_key=B\n";
    const CONFIG: &str = "[default]\nregion = eu-west-1\n[profile tool]\ns3 =\n  aws_access_key_id = no\n\
                          credential_process = \"/opt/a b/keys\" --json # comment\n[tool2]\ncredential_process=x\n\
                          [profile chain]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = default\n[profile empty]\n\
                          [profile machine]\nrole_arn = arn:aws:iam::1:role/r\ncredential_source = Environment\n";

    fn look(name: &str) -> Result<Option<Given>, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("credentials"), CREDENTIALS).unwrap();
        std::fs::write(dir.path().join("config"), CONFIG).unwrap();
        read(name, &dir.path().join("credentials"), &dir.path().join("config"), false)
    }

    #[test]
    fn profiles_are_found_in_both_files() {
        let Ok(Some(Given::Keys(keys))) = look("default") else { panic!() };
        assert_eq!((keys.id(), keys.secret()), ("AKDEFAULT", "abc/+="));
        let Ok(Some(Given::Process(command))) = look("tool") else { panic!() };
        assert_eq!(command, "\"/opt/a b/keys\" --json");
        assert!(look("tool2").unwrap().is_none(), "in config a heading says profile");
        assert!(look("nobody").unwrap().is_none());
        assert!(look("empty").unwrap().is_none());
    }

    #[test]
    fn what_cannot_work_says_how_it_could() {
        let Ok(Some(Given::Role(role))) = look("chain") else { panic!() };
        assert_eq!(role.source, "default");
        let error = look("machine").err().unwrap();
        assert!(
            error.contains("role_arn") && error.contains("export-credentials --profile machine"),
            "{error}"
        );
        assert!(look("half").err().unwrap().contains("no aws_secret_access_key"));
    }

    #[test]
    fn a_pipe_in_place_of_a_file_makes_nobody_wait() {
        let dir = tempfile::tempdir().unwrap();
        let error = read("default", dir.path(), &dir.path().join("none"), false).err().unwrap();
        assert!(error.contains("not a plain file"), "{error}");
    }
}
