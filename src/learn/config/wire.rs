//! Objects that say whom pods call, cut down to what is read.
//!
//! In: any serde deserializer. Out: containers with their environment and arguments, ConfigMaps, and
//! monitors. What refers to a Secret has no field here, so that no value of one is ever looked at.

use crate::cluster::Name;
use crate::policy::LabelSelector;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// A text; what else stands in its place is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) Option<String>);

impl Text {
    pub(super) fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Some(text.to_owned())))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Text, E> {
                Ok(Text(Some(text)))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
                Ok(Text(Some(number.to_string())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
                Ok(Text(Some(number.to_string())))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_unit<E>(self) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        source.deserialize_any(Any)
    }
}

/// `metadata`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) name: Option<Name>,
    pub(super) namespace: Option<Name>,
}

/// A Pod, or whatever has a pod template.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Configured {
    pub(super) metadata: Option<Metadata>,
    pub(super) kind: Option<Name>,
    pub(super) spec: Option<Spec>,
}

/// Its `spec`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    pub(super) containers: Option<Vec<Container>>,
    pub(super) init_containers: Option<Vec<Container>>,
    pub(super) volumes: Option<Vec<Volume>>,
    template: Option<Box<Template>>,
    job_template: Option<Box<Template>>,
}

/// A template in it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Template {
    spec: Option<Spec>,
}

impl Configured {
    /// The name and namespace.
    pub fn name(&self) -> Option<(&str, &str)> {
        let metadata = self.metadata.as_ref()?;
        Some((metadata.namespace.as_deref()?, metadata.name.as_deref()?))
    }

    /// What its pods run, and the path to that.
    pub(super) fn pods(&self) -> Option<(&Spec, &'static str)> {
        let spec = self.spec.as_ref()?;
        if spec.containers.is_some() {
            return Some((spec, "spec"));
        }
        if let Some(template) = &spec.template {
            return Some((template.spec.as_ref()?, "spec.template.spec"));
        }
        let job = spec.job_template.as_ref()?.spec.as_ref()?;
        let path = "spec.jobTemplate.spec.template.spec";
        Some((job.template.as_ref()?.spec.as_ref()?, path))
    }
}

impl Configured {
    /// The ConfigMaps that its pods refer to.
    pub(super) fn config_maps(&self) -> impl Iterator<Item = &str> {
        let spec = self.pods().map(|(spec, _)| spec);
        let lists = spec.into_iter().flat_map(|it| [&it.init_containers, &it.containers]);
        let containers = lists.flatten().flatten();
        let volumes = spec.into_iter().flat_map(|it| it.volumes.iter().flatten());
        let mounted = volumes.flat_map(Volume::config_maps).map(|map| map.name.as_str());
        containers.flat_map(Container::config_maps).chain(mounted)
    }
}

impl Container {
    fn config_maps(&self) -> impl Iterator<Item = &str> {
        let keys = self.env.iter().flatten().filter_map(Variable::config_map);
        let keys = keys.map(|key| key.name.as_str());
        let sources = self.env_from.iter().flatten().filter_map(|it| it.config_map_ref.as_ref());
        keys.chain(sources.map(|map| map.name.as_str()))
    }
}

/// A container.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Container {
    pub(super) name: Text,
    pub(super) command: Option<Vec<Text>>,
    pub(super) args: Option<Vec<Text>>,
    pub(super) env: Option<Vec<Variable>>,
    pub(super) env_from: Option<Vec<Source>>,
}

/// One of its `env`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Variable {
    pub(super) name: Text,
    pub(super) value: Text,
    pub(super) value_from: Option<ValueFrom>,
}

impl Variable {
    /// The key of a ConfigMap that its value is.
    pub(super) fn config_map(&self) -> Option<&KeyRef> {
        self.value_from.as_ref()?.config_map_key_ref.as_ref()
    }
}

/// `valueFrom` of a variable.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ValueFrom {
    pub(super) config_map_key_ref: Option<KeyRef>,
}

/// `configMapKeyRef`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct KeyRef {
    pub(super) name: Text,
    pub(super) key: Text,
}

/// One of `envFrom`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Source {
    pub(super) prefix: Text,
    pub(super) config_map_ref: Option<Named>,
}

/// What is named there.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub(super) name: Text,
}

/// One of `volumes`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Volume {
    config_map: Option<Mounted>,
    projected: Option<Projected>,
}

/// `projected` of a volume.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Projected {
    sources: Option<Vec<Volume>>,
}

/// A ConfigMap that is mounted, or only some of its keys.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Mounted {
    pub(super) name: Text,
    pub(super) items: Option<Vec<KeyRef>>,
}

impl Volume {
    /// The ConfigMaps in it.
    pub(super) fn config_maps(&self) -> impl Iterator<Item = &Mounted> {
        let sources = self.projected.iter().flat_map(|it| it.sources.iter().flatten());
        self.config_map.iter().chain(sources.filter_map(|source| source.config_map.as_ref()))
    }
}

/// A ConfigMap.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct ConfigMap {
    pub(super) metadata: Option<Metadata>,
    pub(super) data: Option<BTreeMap<String, Text>>,
}

impl ConfigMap {
    /// The namespace and name.
    pub fn name(&self) -> Option<(&str, &str)> {
        let metadata = self.metadata.as_ref()?;
        Some((metadata.namespace.as_deref()?, metadata.name.as_deref()?))
    }
}

/// A ServiceMonitor or a `PodMonitor`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Monitor {
    pub(super) metadata: Option<Metadata>,
    pub(super) spec: Option<MonitorSpec>,
}

impl Monitor {
    /// The namespace and name.
    pub fn name(&self) -> Option<(&str, &str)> {
        let metadata = self.metadata.as_ref()?;
        Some((metadata.namespace.as_deref()?, metadata.name.as_deref()?))
    }
}

/// Its `spec`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MonitorSpec {
    pub(super) selector: LabelSelector,
    pub(super) namespace_selector: Option<NamespaceSelector>,
    pub(super) endpoints: Option<Vec<Scraped>>,
    pub(super) pod_metrics_endpoints: Option<Vec<Scraped>>,
}

/// Where its Services or pods are; without it, in its own namespace.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NamespaceSelector {
    pub(super) any: bool,
    pub(super) match_names: Option<Vec<Name>>,
}

/// One of its `endpoints`: a port of the Service by name, or one of its pods; or of its
/// `podMetricsEndpoints`: a port of the pods by name or number.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Scraped {
    pub(super) port: Text,
    pub(super) port_number: Text,
    pub(super) target_port: Text,
}
