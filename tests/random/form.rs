//! Random rules as the library's own types.

use super::rules::TIERS;
use netpol::cluster::{AddressBlock, ObjectRef, Operator, Origin, Protocol, Requirement, Selector};
use netpol::policy::NamePattern;
use netpol::policy::rule::{
    Action, Condition, Direction, Entities, Entry, NameSet, NamedTier, Namespaces, NodeSet, Order,
    Peer, PeerKind, Peers, PodSet, Policy, PortFields, PortMatch, PortRule, Ports, Position, Scope,
    Tier, TierEnd,
};
use serde_json::Value;
use std::sync::Arc;

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A policy of the one rule form; `None` where a field has no sense.
pub(super) fn policy(object: &Value) -> Option<Policy> {
    let priority = i32::try_from(object["priority"].as_i64().unwrap_or(0)).ok()?;
    let tier = match object["tier"].as_str().unwrap_or("Normal") {
        "Admin" => Tier::Admin(priority),
        "Baseline" => Tier::Baseline(priority),
        "Named" => named(object)?,
        _ => Tier::Normal,
    };
    let direction = match object["direction"].as_str()? {
        "Ingress" => Direction::Ingress,
        _ => Direction::Egress,
    };
    let entries = items(&object["entries"])
        .enumerate()
        .map(|(i, e)| entry(i, e, &tier))
        .collect::<Option<_>>()?;
    Some(Policy {
        object: ObjectRef::cluster("Rules", object["metadata"]["name"].as_str()?),
        origin: Origin::Synthetic,
        direction,
        isolates: match tier.position() {
            Some(position) => position.tier.end == TierEnd::Deny,
            None => tier == Tier::Normal && object["isolates"] == true,
        },
        tier,
        subject: set(&object["subject"])?,
        entries,
    })
}

/// A place in a tier with a name.
fn named(object: &Value) -> Option<Tier> {
    let (name, order, end) = TIERS.iter().find(|(name, ..)| object["in"] == *name)?;
    #[expect(clippy::cast_precision_loss, reason = "they are small")]
    let order = order.map(|order| order as f64);
    let end = if *end == "Pass" { TierEnd::Pass } else { TierEnd::Deny };
    let tier = NamedTier { order: Order::from(order), name: (*name).into(), end };
    let name = object["metadata"]["name"].as_str()?;
    Some(Tier::Named(Arc::new(Position {
        tier,
        order: Order::from(object["order"].as_f64()),
        settled: true,
        key: format!("{name}//Rules").into(),
        part: 0,
        earlier: None,
    })))
}

fn entry(place: usize, written: &Value, tier: &Tier) -> Option<Entry> {
    let action = match written["action"].as_str()? {
        "Allow" => Action::Allow,
        "Deny" => Action::Deny,
        _ if *tier == Tier::Normal => return None,
        _ => Action::Pass,
    };
    let peers = match &written["peers"] {
        Value::Null => Peers::Any,
        list => Peers::Of(items(list).map(peer).collect::<Option<_>>()?),
    };
    let ports = match written["ports"].as_array() {
        None => Ports::Any,
        Some(list) if list.is_empty() => Ports::Any,
        Some(list) => Ports::Of(list.iter().map(port).collect::<Option<_>>()?),
    };
    let condition = written["condition"].as_str();
    let condition = condition.map(|words| Condition::new("condition", words));
    let only = match &written["speaksFor"] {
        Value::Null => None,
        only => Some(Box::new(kind(only)?)),
    };
    Some(Entry { path: "entry".into(), place, action, only, peers, ports, condition })
}

fn port(written: &Value) -> Option<PortRule> {
    let number = |value: &Value| u16::try_from(value.as_u64()?).ok();
    let protocol = match written["protocol"].as_str().unwrap_or("TCP") {
        "ICMP" => Protocol::Icmp,
        other => other.parse().ok()?,
    };
    let ports = |written: &Value| {
        Some(match &written["port"] {
            Value::Null => PortMatch::All,
            Value::String(name) => PortMatch::Named(name.as_str().into()),
            value => {
                let first = number(value)?;
                let last = number(&written["endPort"]).unwrap_or(first);
                PortMatch::Range(netpol::cluster::PortRange { first, last })
            }
        })
    };
    let except = items(&written["but"]).map(ports).collect::<Option<_>>()?;
    let ports = ports(written)?;
    Some(PortRule { path: "port".into(), fields: &PortFields::PLAIN, protocol, ports, except })
}

fn peer(written: &Value) -> Option<Peer> {
    Some(Peer::new("peer", kind(written)?))
}

fn kind(written: &Value) -> Option<PeerKind> {
    let flag = |name: &str| written[name] == true;
    let each = |list: &Value| items(list).map(kind).collect::<Option<Vec<_>>>();
    Some(if !written["not"].is_null() {
        kind(&written["not"])?.except()
    } else if !written["all"].is_null() {
        PeerKind::all(each(&written["all"])?)
    } else if !written["any"].is_null() {
        PeerKind::any(each(&written["any"])?)
    } else if !written["set"].is_null() {
        PeerKind::Pods(set(&written["set"])?)
    } else if let Some(cidr) = written["block"]["cidr"].as_str() {
        let net = |text: &str| text.parse::<ipnet::IpNet>().ok().map(|net| net.trunc());
        let except = items(&written["block"]["except"]).map(|e| net(e.as_str()?));
        let block = AddressBlock { cidr: net(cidr)?, except: except.collect::<Option<_>>()? };
        PeerKind::Addresses(block, Scope { pods: flag("pods"), nodes: flag("nodes") })
    } else if !written["nodes"].is_null() {
        PeerKind::Nodes(NodeSet { labels: selector(&written["nodes"])?, own: flag("own") })
    } else if !written["entities"].is_null() {
        let has = |name: &str| items(&written["entities"]).any(|entity| entity == name);
        PeerKind::Entities(Entities {
            pods: has("pods"),
            own_node: has("own"),
            other_nodes: has("other"),
            outside: has("outside"),
            api_server: has("api"),
            proxy: has("proxy"),
            written: Vec::new(),
        })
    } else if !written["names"].is_null() {
        let patterns = items(&written["names"]).filter_map(Value::as_str);
        PeerKind::Names(NameSet::of(patterns.map(NamePattern::glob).collect()))
    } else {
        let scope = Scope { pods: flag("pods"), nodes: flag("nodes") };
        PeerKind::Unresolved(written["unresolved"].as_str()?.into(), scope)
    })
}

fn set(written: &Value) -> Option<PodSet> {
    let namespaces = match written["own"].as_str() {
        Some(name) => Namespaces::Own(name.into()),
        None => Namespaces::Matching(selector(&written["namespaceSelector"])?),
    };
    let mut set = PodSet::new(namespaces, selector(&written["podSelector"])?);
    set.doubt = (written["doubt"] == true).then(|| "it is not seen".into());
    Some(set)
}

fn selector(written: &Value) -> Option<Selector> {
    let labels = written["matchLabels"].as_object();
    let labels = labels.into_iter().flatten().filter_map(|(k, v)| Some((k.as_str(), v.as_str()?)));
    let mut selector = Selector::labels(labels);
    for expression in items(&written["matchExpressions"]) {
        let values = || items(&expression["values"]).filter_map(Value::as_str).map(Into::into);
        let operator = match expression["operator"].as_str()? {
            "In" => Operator::In(values().collect()),
            "NotIn" => Operator::NotIn(values().collect()),
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            _ => return None,
        };
        let key = expression["key"].as_str()?;
        selector.requirements.push(Requirement::new(key, operator));
    }
    Some(selector)
}
