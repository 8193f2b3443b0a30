//! From what configuration names to connections.
//!
//! In: [`Settings`], a snapshot, the namespaces that are asked about. Out: [`Guesses`]: from one of the
//! pods that are configured alike to each pod behind the Service that is named, at the port where it
//! arrives. Nothing is guessed of a name that no Service has.

use super::hosts::{self, Host};
use super::wire::{ConfigMap, Container, KeyRef};
use super::{Settings, called};
use crate::cluster::{BackendPort, Name, Origin, PodId, Port, Protocol, Service, Snapshot};
use crate::ends::{self, EndName, Endpoint, Named, PortText, PortWanted, scheme_port};
use crate::entry::{self, Front, Fronts};
use std::collections::BTreeSet;

/// Of what leads to no pod so much is told; the rest is counted.
const MOST_LEFT: usize = 32;

/// The file of a field, with its line where it has one.
pub type Written<'a> = dyn Fn(&Origin, &str) -> Option<String> + 'a;

/// A connection that configuration names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guess {
    /// Whose configuration it is.
    pub source: PodId,
    /// A pod behind the Service.
    pub destination: PodId,
    /// The port there.
    pub port: Port,
    /// What names it, such as `env DB_HOST`.
    pub by: Box<str>,
    /// The file that this is in, with its line: `k8s/web.yaml:12`.
    pub file: Option<Box<str>>,
}

/// All connections that configuration names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    /// Each once.
    pub all: BTreeSet<Guess>,
    /// What is named and leads to no pod that is known, in sentences.
    pub left: BTreeSet<String>,
    /// How many more there are.
    pub more: usize,
}

/// The connections with an end in one of the namespaces.
pub fn guesses(
    snapshot: &Snapshot,
    settings: &Settings,
    namespaces: &[String],
    written: &Written<'_>,
) -> Guesses {
    let found = Guesses::default();
    let mut finder = Finder { snapshot, settings, namespaces, written, found };
    for id in settings.pods.keys() {
        finder.pod(*id);
    }
    finder.routes();
    for (object, (origin, monitor)) in &settings.monitors {
        finder.monitor(object, origin, monitor);
    }
    finder.found
}

pub(super) struct Finder<'a> {
    pub(super) snapshot: &'a Snapshot,
    settings: &'a Settings,
    namespaces: &'a [String],
    written: &'a Written<'a>,
    pub(super) found: Guesses,
}

/// Where a text stands.
pub(super) struct Place<'a> {
    pub(super) words: String,
    pub(super) origin: &'a Origin,
    pub(super) path: String,
}

/// What some pod is configured with.
struct Setting<'a> {
    key: &'a str,
    text: &'a str,
    /// The port that is set beside it.
    port: Option<u16>,
    place: Place<'a>,
}

impl<'a> Finder<'a> {
    pub(super) fn is_asked(&self, namespace: &str) -> bool {
        self.namespaces.iter().any(|asked| asked == namespace)
    }

    pub(super) fn leave(&mut self, why: String) {
        if self.found.left.len() < MOST_LEFT {
            self.found.left.insert(why);
        } else if !self.found.left.contains(&why) {
            self.found.more += 1;
        }
    }

    /// The file that a text is in.
    pub(super) fn file(&self, place: &Place<'_>) -> Option<Box<str>> {
        (self.written)(place.origin, &place.path).map(Into::into)
    }

    fn pod(&mut self, id: PodId) {
        let settings = self.settings;
        let Some(configured) = settings.pods.get(&id) else { return };
        let Some((spec, path)) = configured.pods() else { return };
        let origin = &self.snapshot.pod(id).origin;
        let lists = [("initContainers", &spec.init_containers), ("containers", &spec.containers)];
        for (list, containers) in lists {
            for (container, at) in containers.iter().flatten().zip(0..) {
                self.container(id, container, origin, &format!("{path}.{list}[{at}]"));
            }
        }
        for mounted in spec.volumes.iter().flatten().flat_map(super::wire::Volume::config_maps) {
            let keys = mounted.items.as_ref().map(|items| {
                let keys = items.iter().map(|item: &KeyRef| item.key.as_str());
                keys.collect::<BTreeSet<_>>()
            });
            let wanted = |key: &str| keys.as_ref().is_none_or(|keys| keys.contains(key));
            self.config_map(id, mounted.name.as_str(), "", wanted);
        }
    }

    fn container(&mut self, id: PodId, container: &Container, origin: &'a Origin, path: &str) {
        let variables = || container.env.iter().flatten();
        for (variable, at) in variables().zip(0..) {
            let key = variable.name.as_str();
            if let Some(from) = variable.config_map() {
                let one = |of: &str| of == from.key.as_str();
                self.value(id, from.name.as_str(), key, one);
                continue;
            }
            let beside = hosts::port_key(key).and_then(|beside| {
                let port = variables().find(|it| it.name.as_str() == beside)?;
                port.value.as_str().parse().ok()
            });
            let place = Place {
                words: format!("env {key}"),
                origin,
                path: format!("{path}.env[{at}].value"),
            };
            let text = variable.value.as_str();
            self.setting(id, &Setting { key, text, port: beside, place });
        }
        for source in container.env_from.iter().flatten() {
            if let Some(map) = &source.config_map_ref {
                self.config_map(id, map.name.as_str(), source.prefix.as_str(), |_| true);
            }
        }
        for (list, texts) in [("command", &container.command), ("args", &container.args)] {
            let mut before = "";
            for (text, at) in texts.iter().flatten().zip(0..) {
                let text = text.as_str();
                // `--host db` is `--host=db`.
                let is_flag = before.starts_with('-') && !before.contains('=');
                let key = if is_flag { before.trim_start_matches('-') } else { "" };
                let place = Place {
                    words: format!("the {list} of container {}", container.name.as_str()),
                    origin,
                    path: format!("{path}.{list}[{at}]"),
                };
                self.setting(id, &Setting { key, text, port: None, place });
                before = text;
            }
        }
    }

    /// One value of a ConfigMap, under the name that a container gives it.
    fn value(&mut self, id: PodId, map: &str, called: &str, wanted: impl Fn(&str) -> bool) {
        self.each_value(id, map, wanted, |_| called.to_owned());
    }

    /// The values of a ConfigMap, whose keys get a prefix.
    fn config_map(&mut self, id: PodId, map: &str, prefix: &str, wanted: impl Fn(&str) -> bool) {
        self.each_value(id, map, wanted, |key| format!("{prefix}{key}"));
    }

    fn each_value(
        &mut self,
        id: PodId,
        map: &str,
        wanted: impl Fn(&str) -> bool,
        called: impl Fn(&str) -> String,
    ) {
        let at = (self.snapshot.pod(id).namespace.clone(), Name::from(map));
        let settings = self.settings;
        let Some((origin, map)) = settings.config_maps.get(&at) else { return };
        let ConfigMap { data: Some(data), .. } = map else { return };
        for (key, text) in data.iter().filter(|(key, _)| wanted(key)) {
            let own = called(key);
            let beside = hosts::port_key(key).and_then(|beside| data.get(&beside));
            let port = beside.and_then(|port| port.as_str().parse().ok());
            let place = Place {
                words: format!("{key} of ConfigMap {}", at.1),
                origin,
                path: format!("data[{key}]"),
            };
            self.setting(id, &Setting { key: &own, text: text.as_str(), port, place });
        }
    }

    /// Looks a text through.
    fn setting(&mut self, id: PodId, setting: &Setting<'_>) {
        let several = setting.text.lines().nth(1).is_some();
        for host in hosts::hosts(setting.key, setting.text) {
            let line = if several { format!(", line {}", host.line) } else { String::new() };
            let place = Place {
                words: format!("{}{line}", setting.place.words),
                origin: setting.place.origin,
                path: setting.place.path.clone(),
            };
            self.host(id, &host, setting.port, &place);
        }
    }

    fn host(&mut self, id: PodId, host: &Host, beside: Option<u16>, place: &Place<'_>) {
        let snapshot = self.snapshot;
        let here: &str = &snapshot.pod(id).namespace;
        let Some(meant) = hosts::service(&host.name, here) else { return };
        if !(meant.in_full || host.certain)
            || !(self.is_asked(here) || self.is_asked(meant.namespace))
        {
            return;
        }
        let mut services = snapshot.services.within(meant.namespace);
        let service = services.find(|(_, service)| *service.name == *meant.name);
        let Some((_, service)) = service else {
            // In another zone it is another cluster's, or no Service at all.
            if meant.in_full && meant.zone.is_none() {
                self.named(id, host, place, "no such Service is known here");
            }
            return;
        };
        if meant.of_pod && !service.headless {
            return;
        }
        if let Some(outside) = &service.external_name {
            let why = format!("it stands for {outside}, and names outside are not followed");
            return self.named(id, host, place, &why);
        }
        let known = host.scheme.as_deref().and_then(scheme_port);
        let port = host.port.or(beside).or(known.map(|(port, _)| port));
        let wanted = port.map(|number| {
            let listed = service.ports.iter().find(|it| it.port.number == number);
            let of_port = listed.map(|it| it.port.protocol);
            // Clients of a headless Service dial its pods.
            let protocol = match known {
                Some((_, protocol)) => Some(protocol),
                None if service.headless => Some(of_port.unwrap_or(Protocol::Tcp)),
                None => None,
            };
            PortWanted { port: PortText::Number(number), protocol }
        });
        let zone = meant.zone.map(|zone| format!(" in zone {zone}")).unwrap_or_default();
        let words = place.words.clone() + &zone;
        let by = (&*words, self.file(place));
        if let Err(why) = self.behind(id, service, wanted.as_ref(), by) {
            self.named(id, host, place, &why);
        }
    }

    /// What is named and leads nowhere.
    fn named(&mut self, id: PodId, host: &Host, place: &Place<'_>, why: &str) {
        let who = called(self.snapshot, id);
        let port = host.port.map(|port| format!(":{port}")).unwrap_or_default();
        let file = self.file(place).map(|file| format!(" ({file})")).unwrap_or_default();
        let (name, words) = (&host.name, &place.words);
        self.leave(format!("{who} names {name}{port} by {words}{file}: {why}"));
    }

    /// A connection to each pod behind a Service.
    pub(super) fn behind(
        &mut self,
        source: PodId,
        service: &Service,
        wanted: Option<&PortWanted>,
        (by, file): (&str, Option<Box<str>>),
    ) -> Result<(), String> {
        let path = [&service.namespace, "svc", &service.name].map(ToString::to_string).to_vec();
        let name = EndName { names: Named::Path(path), port: None, path: None };
        let end = ends::resolve(self.snapshot, &name, &service.namespace);
        let mut end = end.map_err(|error| error.to_string())?;
        if service.selector.is_some() {
            // One that is not ready at the moment is meant too.
            let pods = self.snapshot.pods_in(&service.namespace);
            let selected = pods.filter(|(_, pod)| !pod.finished && service.selects(&pod.labels));
            end.endpoints = selected.map(|(id, _)| Endpoint::Pod(id)).collect();
        }
        let arrived = ends::reached(self.snapshot, &end, wanted);
        let arrived = arrived.map_err(|error| error.to_string())?;
        let mut some = false;
        for end in arrived {
            let (Endpoint::Pod(destination), Some(port)) = end else { continue };
            some = true;
            let (by, file) = (by.into(), file.clone());
            self.found.all.insert(Guess { source, destination, port, by, file });
        }
        if some { Ok(()) } else { Err("it leads to no pod that is known here".to_owned()) }
    }

    /// What leads in by hosts and paths, from the pods of its controller.
    fn routes(&mut self) {
        let snapshot = self.snapshot;
        let mut fronts = Fronts::default();
        for lead in entry::all(snapshot) {
            let Some(backend) = lead.backend(snapshot).filter(|backend| backend.is_service())
            else {
                continue;
            };
            let by = lead.by(snapshot);
            let pods = match fronts.of(snapshot, lead) {
                Front::Pods(pods) => pods.clone(),
                _ if !self.is_asked(&backend.namespace) => continue,
                Front::Envoy => {
                    let why =
                        "Cilium's own proxy takes it, which policies see as the entity ingress";
                    self.leave(format!("{by}: {why}: give --allow-ingress ingress"));
                    continue;
                }
                Front::Outside(who) => {
                    self.leave(format!("{by}: {who} takes it, which is outside the cluster"));
                    continue;
                }
                Front::Unknown(why) => {
                    self.leave(format!("{by}: which pods take it is not known: {why}"));
                    continue;
                }
            };
            let of_asked = |id: &PodId| self.is_asked(&snapshot.pod(*id).namespace);
            if !self.is_asked(&backend.namespace) && !pods.iter().any(of_asked) {
                continue;
            }
            let mut services = snapshot.services.within(&backend.namespace);
            let Some((_, service)) = services.find(|(_, it)| it.name == backend.service) else {
                self.leave(format!(
                    "{by} leads to {}/svc/{}, which is not known here",
                    backend.namespace, backend.service
                ));
                continue;
            };
            let port = match &backend.port {
                Some(BackendPort::Number(number)) => Some(PortText::Number(*number)),
                Some(BackendPort::Name(name)) => Some(PortText::Name(name.to_string())),
                Some(BackendPort::Target(number)) => {
                    let target = crate::cluster::TargetPort::Number(*number);
                    let of_target = service.ports.iter().find(|port| port.target == target);
                    of_target.map(|port| PortText::Number(port.port.number))
                }
                None => service.ports.first().map(|port| PortText::Number(port.port.number)),
            };
            let Some(port) = port else {
                self.leave(format!(
                    "{by}: which port of {} it leads to is not known",
                    service.name
                ));
                continue;
            };
            let wanted = PortWanted { port, protocol: Some(Protocol::Tcp) };
            for pod in pods {
                if let Err(why) = self.behind(pod, service, Some(&wanted), (&by, None)) {
                    self.leave(format!(
                        "{by} leads to {}/svc/{}: {why}",
                        service.namespace, service.name
                    ));
                    break;
                }
            }
        }
    }
}
