//! Rules, peers and ports of a NetworkPolicy, validated as the API server does it.
//!
//! Source: pkg/apis/networking/validation/validation.go and pkg/apis/networking/v1/defaults.go;
//! docs/semantics/networkpolicy.md.

use super::super::enforcer::OTHER_CLUSTERS;
use super::super::rule::{
    Action, BlockFields, Direction, Entities, Entry, Namespaces, Peer, PeerKind, Peers, PodSet,
    PortFields, PortMatch, PortRule, Ports,
};
use super::super::variables::{not_filled_in, perhaps, unfilled, unknown_peer, variable};
use super::super::{Cilium, CiliumVersion, Enforcer, Fault, LabelSelector};
use super::written::{IntOrString, Spec, WrittenBlock, WrittenPeer, WrittenPort};
use crate::cluster::{AddressBlock, InvalidBlock, Name, PortRange, Protocol, Selector};
use crate::lints::Lint;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Where a block of addresses is written.
const IP_BLOCK: BlockFields = BlockFields { cidr: ".ipBlock.cidr", except: ".ipBlock.except" };

/// Why a flow from a pod of the namespace may be let in by an ipBlock.
pub(crate) const IP_BLOCK_DEFECT: &str = "Cilium up to 1.19 lets pods of the policy's own namespace in by an ipBlock \
     too, until the fix of cilium/cilium#46305";

/// What is found on the way through one object.
pub(super) struct Lowering<'a> {
    pub(super) namespace: &'a Name,
    pub(super) enforcer: &'a Enforcer,
    pub(super) faults: Vec<Fault>,
    /// What has a variable that nobody filled in.
    pub(super) unfilled: Vec<Fault>,
    pub(super) lints: Vec<Fault>,
}

impl Lowering<'_> {
    pub(super) fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault::new(path, message));
    }

    /// Source: pkg/apis/networking/v1/defaults.go: without policyTypes always Ingress, and Egress if
    /// there is at least one egress rule; given policyTypes win.
    pub(super) fn directions(&mut self, spec: &Spec) -> Vec<Direction> {
        let types = spec.policy_types.as_deref().unwrap_or_default();
        if types.is_empty() {
            let egress = spec.egress.as_ref().is_some_and(|rules| !rules.is_empty());
            let mut directions = vec![Direction::Ingress];
            directions.extend(egress.then_some(Direction::Egress));
            return directions;
        }
        if types.len() > 2 {
            self.fault("spec.policyTypes", "has more than the two entries Ingress and Egress");
        }
        let mut directions = Vec::new();
        for (i, name) in types.iter().enumerate() {
            match name.as_str() {
                "Ingress" => directions.push(Direction::Ingress),
                "Egress" => directions.push(Direction::Egress),
                other => self.fault(
                    format!("spec.policyTypes[{i}]"),
                    format!("{other:?} is not Ingress or Egress"),
                ),
            }
        }
        directions
    }

    /// Tells that a text has a variable, and says why it is not known.
    fn unfilled(&mut self, path: &str, text: &str) -> Option<Box<str>> {
        let why = not_filled_in(variable(text)?);
        self.unfilled.push(Fault::told(Lint::UnfilledVariable, path, unfilled(&why)));
        Some(why.into())
    }

    /// What is known of a selector, and why that is not all.
    pub(super) fn selector(
        &mut self,
        path: &str,
        mut written: LabelSelector,
    ) -> (Selector, Option<Box<str>>) {
        let asked = written.take_unfilled();
        let all: Vec<_> = asked.iter().filter_map(|it| self.unfilled(path, &it.text)).collect();
        (written.lower(path, &mut self.faults), all.into_iter().next())
    }

    /// A rule; those of its ports that a variable hides are an entry of their own, which matches
    /// perhaps.
    pub(super) fn entries(
        &mut self,
        path: &str,
        side: &str,
        peers: Option<&[WrittenPeer]>,
        ports: Option<&[WrittenPort]>,
    ) -> Vec<Entry> {
        // `from`, `to` and `ports` that are absent or empty restrict nothing.
        let peers = match peers.unwrap_or_default() {
            [] => Peers::Any,
            items => {
                let mut peers: Vec<Peer> = items
                    .iter()
                    .enumerate()
                    .filter_map(|(i, item)| self.peer(format!("{path}.{side}[{i}]"), item))
                    .collect();
                let besides = peers.iter().find_map(|peer| self.let_in_by_defect(side, peer));
                peers.extend(besides);
                for (i, item) in items.iter().enumerate() {
                    peers.extend(self.without_labels(&format!("{path}.{side}[{i}]"), item));
                }
                Peers::Of(peers)
            }
        };
        let entry = |peers, ports| {
            let (path, action) = (path.into(), Action::Allow);
            Entry { path, place: 0, action, only: None, peers, ports, condition: None }
        };
        let Some(items) = ports.filter(|items| !items.is_empty()) else {
            return vec![entry(peers, Ports::Any)];
        };
        let (mut known, mut hidden, mut why) = (Vec::new(), Vec::new(), None);
        for (i, item) in items.iter().enumerate() {
            let path = format!("{path}.ports[{i}]");
            match self.hidden(&path, item) {
                Some((unseen, ports)) => {
                    why = Some(unseen);
                    hidden.extend(ports);
                }
                None => known.extend(self.port(path, item)),
            }
        }
        let mut entries = Vec::new();
        if let Some(why) = why {
            entries.push(entry(perhaps(path, peers.clone(), &why), Ports::Of(hidden)));
        }
        if entries.is_empty() || !known.is_empty() {
            entries.insert(0, entry(peers, Ports::Of(known)));
        }
        entries
    }

    /// The ports of which a variable may be one, and why.
    fn hidden(&mut self, path: &str, written: &WrittenPort) -> Option<(Box<str>, Vec<PortRule>)> {
        let name = written.protocol.as_deref().unwrap_or("TCP");
        let port = match &written.port {
            Some(IntOrString::Text(text)) => text,
            _ => "",
        };
        let may_be = |protocol: &Protocol| variable(name).is_some() || protocol.as_str() == name;
        let protocols: Vec<Protocol> = Protocol::ALL.into_iter().filter(may_be).collect();
        if protocols.is_empty() {
            return None; // Whatever the port is, the rule is refused.
        }
        let why = [name, port].iter().find_map(|text| self.unfilled(path, text))?;
        let fields = &PortFields::PLAIN;
        let (path, ports) = (Box::<str>::from(path), PortMatch::All);
        let rule = |protocol| PortRule {
            path: path.clone(),
            fields,
            protocol,
            ports: ports.clone(),
            except: Box::default(),
        };
        Some((why, protocols.into_iter().map(rule).collect()))
    }

    /// Whom Cilium up to 1.19 may let in besides by an ipBlock, where peers are those of its own cluster
    /// unless they say otherwise.
    ///
    /// Source: docs/semantics/cilium-networkpolicy.md#ipblock-alone-admits-the-namespace.
    fn let_in_by_defect(&self, side: &str, peer: &Peer) -> Option<Peer> {
        let cilium = self.enforcer.cilium()?;
        let defect = cilium.version <= CiliumVersion::V1_19 && cilium.default_local_cluster;
        let block = matches!(peer.admits, PeerKind::Addresses(..) | PeerKind::Unresolved(..));
        (defect && block && side == "from").then(|| {
            let own = Namespaces::Own(self.namespace.clone());
            let doubt = Some(IP_BLOCK_DEFECT.into());
            let pods = PodSet { doubt, ..PodSet::new(own, Selector::default()) };
            Peer::new(peer.path.clone(), PeerKind::Pods(pods))
        })
    }

    /// Whom Cilium means besides where selectors ask for no label that must be there, and no cluster is
    /// asked for on their behalf: whatever has no labels of pods.
    ///
    /// Source: docs/semantics/cilium-networkpolicy.md#negative-namespaceselector.
    fn without_labels(&mut self, path: &str, written: &WrittenPeer) -> Option<Peer> {
        let cilium = self.enforcer.cilium().filter(|cilium| !cilium.default_local_cluster)?;
        let namespaces = written.namespace_selector.as_ref()?.lower(path, &mut Vec::new());
        let pods = written.pod_selector.clone().unwrap_or_default().lower(path, &mut Vec::new());
        let mut all = namespaces.requirements.iter().chain(&pods.requirements);
        if namespaces.requirements.is_empty() || !all.all(|asked| asked.holds_for(None)) {
            return None;
        }
        let admits = PeerKind::Entities(Entities::without_labels());
        let message = format!(
            "asks for no label that must be there, so Cilium {} takes nodes and what is outside for it too",
            cilium.version
        );
        let path_of = format!("{path}.namespaceSelector");
        self.lints.push(Fault::told(Lint::MatchesMore, path_of, message));
        Some(Peer::new(path, admits))
    }

    fn peer(&mut self, path: String, written: &WrittenPeer) -> Option<Peer> {
        let WrittenPeer { pod_selector, namespace_selector, ip_block } = written;
        if let Some(block) = ip_block {
            if pod_selector.is_some() || namespace_selector.is_some() {
                self.fault(path, "ipBlock cannot stand with podSelector or namespaceSelector");
                return None;
            }
            let mut texts = block.except.iter().flatten().chain([&block.cidr]);
            let scope = self.enforcer.block_scope();
            let at = format!("{path}.ipBlock");
            if let Some(why) = texts.find_map(|text| self.unfilled(&at, text)) {
                return Some(unknown_peer(&path, &why, scope));
            }
            let block = self.block(&path, block)?;
            let admits = PeerKind::Addresses(block, scope);
            return Some(Peer { path: path.into(), block: &IP_BLOCK, admits });
        }
        if pod_selector.is_none() && namespace_selector.is_none() {
            self.fault(path, "is empty: give a podSelector, a namespaceSelector or an ipBlock");
            return None;
        }
        // Source: docs/semantics/cilium-labels.md#cluster-of-a-peer.
        if self.enforcer.cilium().is_some_and(Cilium::means_other_clusters) {
            let told = |fault: &Fault| fault.message == OTHER_CLUSTERS;
            if !self.lints.iter().any(told) {
                self.lints.push(Fault::told(Lint::VersionDependent, path.clone(), OTHER_CLUSTERS));
            }
        }
        let (namespaces, unseen) = match namespace_selector {
            None => (Namespaces::Own(self.namespace.clone()), None),
            Some(selector) => {
                let path = format!("{path}.namespaceSelector");
                let (selector, unseen) = self.selector(&path, selector.clone());
                (Namespaces::Matching(selector), unseen)
            }
        };
        let pods = pod_selector.clone().unwrap_or_default();
        let (pods, doubt) = self.selector(&format!("{path}.podSelector"), pods);
        let set = PodSet { doubt: unseen.or(doubt), ..PodSet::new(namespaces, pods) };
        Some(Peer::new(path, PeerKind::Pods(set)))
    }

    fn block(&mut self, path: &str, written: &WrittenBlock) -> Option<AddressBlock> {
        let cidr = match parse_cidr(&written.cidr) {
            Ok((cidr, _)) => cidr,
            Err(error) => {
                self.fault(format!("{path}.ipBlock.cidr"), error.to_string());
                return None;
            }
        };
        let mut except = Vec::new();
        for (i, text) in written.except.iter().flatten().enumerate() {
            let subset = parse_cidr(text).and_then(|(net, _)| {
                let strict = cidr.contains(&net) && net.prefix_len() > cidr.prefix_len();
                if strict { Ok(net) } else { Err(InvalidBlock::NotASubset { except: net, cidr }) }
            });
            match subset {
                Ok(net) => except.push(net),
                Err(error) => self.fault(format!("{path}.ipBlock.except[{i}]"), error.to_string()),
            }
        }
        Some(AddressBlock { cidr, except: except.into() })
    }

    fn port(&mut self, path: String, written: &WrittenPort) -> Option<PortRule> {
        let before = self.faults.len();
        let name = written.protocol.as_deref().unwrap_or("TCP");
        // The API server takes the names in capitals only.
        let protocol = Protocol::ALL.into_iter().find(|protocol| protocol.as_str() == name);
        if protocol.is_none() {
            self.fault(format!("{path}.protocol"), format!("{name:?} is not TCP, UDP or SCTP"));
        }
        let protocol = protocol.unwrap_or(Protocol::Tcp);
        let port_path = || format!("{path}.port");
        let mut ports = match &written.port {
            None => PortMatch::All,
            Some(IntOrString::Int(number)) => match u16::try_from(*number) {
                Ok(number) if number > 0 => PortMatch::Range(number.into()),
                _ => {
                    self.fault(port_path(), format!("{number} is not a port: 1 to 65535"));
                    PortMatch::All
                }
            },
            Some(IntOrString::Text(name)) => {
                if let Some(message) = port_name_fault(name) {
                    self.fault(port_path(), message);
                }
                PortMatch::Named(name.as_str().into())
            }
        };
        if let Some(end) = written.end_port {
            let end_path = format!("{path}.endPort");
            match &ports {
                PortMatch::Range(range) => match u16::try_from(end) {
                    Ok(last) if last >= range.first => {
                        ports = PortMatch::Range(PortRange { first: range.first, last });
                    }
                    Ok(_) => self.fault(end_path, format!("{end} is below port {}", range.first)),
                    Err(_) => self.fault(end_path, format!("{end} is not a port: 1 to 65535")),
                },
                PortMatch::Named(_) => self.fault(end_path, "needs a port number, not a port name"),
                PortMatch::All if written.port.is_none() => self.fault(end_path, "needs a port"),
                PortMatch::All => {}
            }
        }
        let fields = &PortFields::PLAIN;
        (self.faults.len() == before).then(|| PortRule {
            path: path.into(),
            fields,
            protocol,
            ports,
            except: Box::default(),
        })
    }
}

/// What is wrong with a port name (`IsValidPortName` in apimachinery's util/validation).
pub(crate) fn port_name_fault(name: &str) -> Option<String> {
    let valid = !name.is_empty()
        && name.len() <= 15
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && name.bytes().any(|b| b.is_ascii_lowercase())
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-');
    (!valid).then(|| {
        let number = name.parse::<u16>().is_ok();
        let hint = if number { "; a number is written without quotes" } else { "" };
        format!(
            "{name:?} is not a port name: at most 15 lower-case letters, digits and -, \
             with at least one letter{hint}"
        )
    })
}

/// Reads a CIDR as stored objects may have it; false: it is not in canonical form.
///
/// Leading zeros and host bits were accepted for years, so old objects have them; both are read as
/// the API server read them (`ParseCIDRSloppy`: zeros are decimal, host bits are masked).
pub(super) fn parse_cidr(text: &str) -> Result<(IpNet, bool), InvalidBlock> {
    let refuse = || InvalidBlock::NotACidr(text.to_owned());
    let (address, length) = text.split_once('/').ok_or_else(refuse)?;
    let prefix: u8 = length.parse().map_err(|_| refuse())?;
    let net = if let Ok(v6) = address.parse::<Ipv6Addr>() {
        IpNet::from(Ipv6Net::new(v6, prefix).map_err(|_| refuse())?)
    } else {
        let mut octets = [0_u8; 4];
        let mut parts = address.split('.');
        for octet in &mut octets {
            let part = parts.next().filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
            *octet = part.and_then(|part| part.parse().ok()).ok_or_else(refuse)?;
        }
        if parts.next().is_some() {
            return Err(refuse());
        }
        IpNet::from(Ipv4Net::new(Ipv4Addr::from(octets), prefix).map_err(|_| refuse())?)
    };
    let masked = net.trunc();
    Ok((masked, masked.to_string() == text))
}
