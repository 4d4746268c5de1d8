//! From the JSON text of an object to its fields.

use serde::de::DeserializeOwned;

use super::{Pod, Unreadable, fields, normalise};

impl Pod {
    /// Reads the normal form from the JSON text of a Pod, as the API server stores it.
    ///
    /// Fails if the text is not JSON, if it has no spec, or if a field that is judged has a type that it cannot have.
    pub fn from_json_of_pod(text: &str) -> Result<Self, Unreadable> {
        let object: fields::PodObject = read_json(text)?;
        let spec = object.spec.ok_or_else(|| Unreadable::new("spec is absent"))?;
        Ok(normalise::pod(spec, object.metadata.unwrap_or_default()))
    }
}

/// Reads fields from a JSON text. Fails with the field that cannot be read.
pub(crate) fn read_json<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    // Where it fails is worth a second look; keeping track of it all the time would cost every object.
    serde_json::from_str(text).or_else(|_| {
        let located: Result<T, _> = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text));
        located.map_err(|error| {
            // Where it is in the text says nothing to people, and moves with every change of any other field.
            let message = error.inner().to_string();
            let reason = message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason);
            Unreadable::at(&error.path().to_string(), reason)
        })
    })
}
