//! What all rules need to know of a workload, worked out once.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::SHOWN;
use super::notes::{Notes, Texts};
use super::surroundings::{ConfigMaps, Identity, Surroundings};
use crate::api::code::DeviationCode;
use crate::workload::image::{ImageError, ImageRef};
use crate::workload::pod::VolumeSource;
use crate::workload::redact::printable;
use crate::workload::schedule::{Schedule, ScheduleError, time_zone};
use crate::workload::{Container, Workload};

/// A workload with its parsed parts.
pub(super) struct Facts<'a> {
    pub(super) workload: &'a Workload,
    /// Who put it there, as far as anything tells.
    pub(super) identity: Option<Identity<'a>>,
    /// What ConfigMaps hold, where they are read.
    pub(super) config_maps: Option<&'a dyn ConfigMaps>,
    /// The year in which time zones are compared.
    pub(super) year: i16,
    /// The schedule; absent for a Job.
    pub(super) cron: Option<CronFacts<'a>>,
    /// Every image that the pod uses, with the path of the field.
    pub(super) images: Vec<Image<'a>>,
}

/// A schedule with its parsed parts.
pub(super) struct CronFacts<'a> {
    /// The schedule as it is written.
    pub(super) text: &'a str,
    /// The schedule, with the zone of a `TZ=` prefix if it has one.
    pub(super) schedule: Result<Schedule, ScheduleError>,
    /// The name of the zone that counts, if the workload names one, and the field that names it.
    pub(super) zone: Option<(&'a str, &'static str)>,
}

/// An image that the pod uses.
pub(super) struct Image<'a> {
    pub(super) path: String,
    pub(super) text: &'a str,
    pub(super) reference: Result<ImageRef, ImageError>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(workload: &'a Workload, surroundings: Surroundings<'a>, now: Timestamp) -> Self {
        let Surroundings { namespace: _, identity, config_maps, campaign: _ } = surroundings;
        let containers = workload
            .pod
            .containers
            .iter()
            .map(|container| (format!("{}.image", workload.container_path(container)), container.image.as_str()));
        let volumes = workload.pod.volumes.iter().enumerate().filter_map(|(i, volume)| match &volume.source {
            VolumeSource::Image(reference) => {
                Some((format!("{}.volumes[{i}].image.reference", workload.pod_path()), reference.as_str()))
            }
            _ => None,
        });
        Self {
            workload,
            identity,
            config_maps,
            year: now.to_zoned(TimeZone::UTC).year(),
            cron: workload.cron.as_ref().map(|cron| CronFacts::of(&cron.schedule, cron.time_zone.as_deref())),
            images: containers
                .chain(volumes)
                .map(|(path, text)| Image { path, text, reference: ImageRef::parse(text) })
                .collect(),
        }
    }

    /// Every container with its path.
    pub(super) fn containers(&self) -> impl Iterator<Item = (String, &'a Container)> {
        let workload = self.workload;
        workload.pod.containers.iter().map(move |container| (workload.container_path(container), container))
    }

    /// What cannot be parsed can satisfy no approval, whatever the approval constrains.
    pub(super) fn note_malformed(&self, notes: &mut Notes) {
        let mut malformed = |path: &str, expected: &str, error: &dyn std::fmt::Display| {
            notes.compare(false, DeviationCode::Malformed, "", || {
                Texts::new(path, expected, printable(&error.to_string(), SHOWN))
            });
        };
        if let Some(Err(error)) = self.cron.as_ref().map(|cron| &cron.schedule) {
            malformed("spec.schedule", "a schedule that Kubernetes accepts", error);
        }
        for image in &self.images {
            if let Err(error) = &image.reference {
                malformed(&image.path, "a valid image reference", error);
            }
        }
    }
}

impl<'a> CronFacts<'a> {
    fn of(text: &'a str, time_zone: Option<&'a str>) -> Self {
        let prefix = prefix_zone(text).map(|(zone, _)| (zone, "spec.schedule"));
        let zone = prefix.or(time_zone.map(|zone| (zone, "spec.timeZone")));
        Self { text, schedule: Schedule::parse(text), zone }
    }

    /// The schedule without the zone of a prefix.
    pub(super) fn body(&self) -> Option<Schedule> {
        match prefix_zone(self.text) {
            Some((_, body)) => Schedule::parse(body).ok(),
            None => self.schedule.as_ref().ok().cloned(),
        }
    }

    /// The zone in which the schedule ticks. Without a name it is the controller manager's, which is almost always UTC.
    pub(super) fn time_zone(&self) -> Option<TimeZone> {
        self.zone.map_or(Some(TimeZone::UTC), |(name, _)| time_zone(name))
    }
}

/// Splits `TZ=Europe/Zurich 0 2 * * *` into the zone and the rest.
fn prefix_zone(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ="))?;
    rest.split_once(' ')
}
