package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/cilium/cilium/pkg/crypto/certificatemanager"
	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2/validator"
	core "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/core/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	ciliumtypes "github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

const clusterName = "default"

var (
	logger = slog.New(slog.DiscardHandler)
	schema *validator.NPValidator
)

// configure sets the agent's options: its defaults in a dual-stack cluster under Kubernetes.
func configure() error {
	option.Config.EnableIPv4 = true
	option.Config.EnableIPv6 = true
	option.Config.EnableICMPRules = true
	option.Config.EnableL7Proxy = true
	option.Config.EnableNonDefaultDenyPolicies = true
	option.Config.ClusterName = clusterName
	alwaysAllowLocalhost()
	policy.SetPolicyEnabled(option.DefaultEnforcement)
	api.InitEntities(clusterName)
	if err := prepareNames(); err != nil {
		return err
	}
	if err := labelsfilter.ParseLabelPrefixCfg(logger, nil, nil, ""); err != nil {
		return err
	}
	var err error
	schema, err = validator.NewNPValidator(logger)
	return err
}

// judged is a cluster in the engine's own terms.
type judged struct {
	*cluster
	repository *policy.Repository
	// identities of pods by NAMESPACE/NAME.
	identities map[string]*identity.Identity
	ports      map[string]ciliumtypes.NamedPortMap
	named      ciliumtypes.NamedPortMultiMap
	addresses  map[netip.Addr]identity.NumericIdentity
	// policies of pods, made when they are first asked for.
	policies map[string]*policy.EndpointPolicy
}

// judge gives each flow its two letters.
func (c *cluster) judge(flows []flow) ([]string, error) {
	j := &judged{
		cluster:    c,
		identities: map[string]*identity.Identity{},
		ports:      map[string]ciliumtypes.NamedPortMap{},
		addresses:  map[netip.Addr]identity.NumericIdentity{},
		policies:   map[string]*policy.EndpointPolicy{},
	}
	if err := j.prepare(flows); err != nil {
		return nil, err
	}
	verdicts := make([]string, 0, len(flows))
	for _, flow := range flows {
		protocol, err := u8proto.ParseProtocol(flow.Protocol)
		if err != nil {
			return nil, err
		}
		egress, err := j.direction(flow.From, flow.To, policy.EgressKey().WithPortProto(protocol, flow.Port))
		if err != nil {
			return nil, err
		}
		ingress, err := j.direction(flow.To, flow.From, policy.IngressKey().WithPortProto(protocol, flow.Port))
		if err != nil {
			return nil, err
		}
		verdicts = append(verdicts, egress+ingress)
	}
	return verdicts, nil
}

// prepare makes the identities that the agent would, and fills a repository.
func (j *judged) prepare(flows []flow) error {
	known := identity.ListReservedIdentities()
	next := identity.MinimalNumericIdentity
	for name, pod := range j.pods {
		if pod.Spec.HostNetwork {
			continue
		}
		namespace := j.namespaces[pod.Namespace]
		if namespace == nil {
			return fmt.Errorf("pod %s: there is no namespace %s", name, pod.Namespace)
		}
		made, ports := identityOf(namespace, pod, next)
		next++
		j.identities[name], j.ports[name] = made, ports
		known[made.ID] = made.LabelArray
	}
	prefixes := j.prefixes()
	local := identity.MinLocalIdentity
	for _, flow := range flows {
		for _, end := range []string{flow.From, flow.To} {
			written, ok := strings.CutPrefix(end, "address:")
			if !ok {
				continue
			}
			address, err := netip.ParseAddr(written)
			if err != nil {
				return err
			}
			if _, ok := j.addresses[address]; ok {
				continue
			}
			lbls := labelsOf(prefixes, address)
			if reserved := identity.LookupReservedIdentityByLabels(lbls); reserved != nil {
				j.addresses[address] = reserved.ID
				continue
			}
			known[local] = lbls.LabelArray()
			j.addresses[address] = local
			local++
		}
	}

	secrets := certificatemanager.NewMockSecretManagerInline()
	translator := envoypolicy.NewEnvoyL7RulesTranslator(logger, secrets)
	manager := identitymanager.NewIDManager(logger)
	j.repository = policy.NewPolicyRepository(logger, known, nil, translator, manager, uncounted{})
	j.named = j.portsOfAll()
	j.introduce(manager)
	for resource, rules := range j.rules {
		j.repository.ReplaceByResource(rules, resource)
	}
	return nil
}

// identityOf is the identity of a pod's endpoint.
func identityOf(namespace *core.Namespace, pod *core.Pod, id identity.NumericIdentity) (*identity.Identity, ciliumtypes.NamedPortMap) {
	ports, written, more := metadataOf(namespace, pod)
	relevant, _ := labelsfilter.Filter(labels.Map2Labels(written, labels.LabelSourceK8s))
	for _, label := range more {
		relevant[label.Key] = label
	}
	return identity.NewIdentity(id, relevant), ports
}

// prefixes are all that policies and CIDR groups have, each with its labels.
func (j *judged) prefixes() map[netip.Prefix]labels.Labels {
	all := map[netip.Prefix]labels.Labels{}
	for _, group := range j.groups {
		for _, prefix := range group.prefixes {
			merge(all, prefix, group.labels)
		}
	}
	for _, rules := range j.rules {
		for _, prefix := range policy.GetCIDRPrefixes(rules) {
			merge(all, prefix.Masked(), labels.GetCIDRLabels(prefix.Masked()))
		}
	}
	return all
}

// labelsOf is what the identity of an address outside is made of: the labels of all prefixes that
// contain it, those of longer ones first, one label of a CIDR only, and that it is outside. As
// resolveIdentity, mergeLabels and resolveLabels of pkg/ipcache/metadata.go have it.
func labelsOf(prefixes map[netip.Prefix]labels.Labels, address netip.Addr) labels.Labels {
	all := labels.Labels{}
	cidr := false
	for bits := address.BitLen(); bits >= 0; bits-- {
		prefix, err := address.Prefix(bits)
		if err != nil {
			continue
		}
		for key, label := range prefixes[prefix] {
			if label.Source == labels.LabelSourceCIDR && cidr {
				continue
			}
			if _, ok := all[key]; !ok {
				all[key] = label
				cidr = cidr || label.Source == labels.LabelSourceCIDR
			}
		}
	}
	all.AddWorldLabel(address)
	return all
}

// direction is one letter: what the policies of the subject make of the peer.
func (j *judged) direction(subject, peer string, key policy.Key) (string, error) {
	name, ok := strings.CutPrefix(subject, "pod:")
	if !ok || j.identities[name] == nil {
		return "-", nil
	}
	id, err := j.seenFrom(j.pods[name], peer)
	if err != nil {
		return "", err
	}
	distilled, err := j.policyOf(name)
	if err != nil {
		return "", err
	}
	entry, _, _ := distilled.Lookup(key.WithIdentity(id))
	switch {
	case entry.IsDeny():
		return "d", nil
	case entry.IsRedirectEntry():
		return "c", nil
	default:
		return "a", nil
	}
}

// seenFrom is the identity that the other end of a flow has on a pod's node.
func (j *judged) seenFrom(subject *core.Pod, peer string) (identity.NumericIdentity, error) {
	kind, name, _ := strings.Cut(peer, ":")
	node := name
	switch kind {
	case "pod":
		if made := j.identities[name]; made != nil {
			return made.ID, nil
		}
		pod := j.pods[name]
		if pod == nil {
			return 0, fmt.Errorf("there is no pod %s", name)
		}
		node = pod.Spec.NodeName
	case "node":
	case "address":
		address, err := netip.ParseAddr(name)
		if err != nil {
			return 0, err
		}
		return j.addresses[address], nil
	default:
		return 0, fmt.Errorf("%q is no end of a flow", peer)
	}
	if node == subject.Spec.NodeName {
		return identity.ReservedIdentityHost, nil
	}
	return identity.ReservedIdentityRemoteNode, nil
}

func (j *judged) policyOf(name string) (*policy.EndpointPolicy, error) {
	if known := j.policies[name]; known != nil {
		return known, nil
	}
	made := j.identities[name]
	distilled, err := j.distill(made, &endpoint{uint64(made.ID), j.ports[name], j.named})
	if err != nil {
		return nil, err
	}
	distilled.Ready()
	j.policies[name] = distilled
	return distilled, nil
}

// endpoint owns the policy of a pod.
type endpoint struct {
	id    uint64
	ports ciliumtypes.NamedPortMap
	// named are the ports of all pods.
	named ciliumtypes.NamedPortMultiMap
}

var _ policy.PolicyOwner = &endpoint{}

func (e *endpoint) GetID() uint64 { return e.id }

func (e *endpoint) PolicyDebug(string, ...any) {}

func (e *endpoint) IsHost() bool { return false }

func (e *endpoint) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool {
	done := make(chan bool)
	close(done)
	return done
}

// uncounted is where the agent counts rules.
type uncounted struct{}

func (uncounted) AddRule(policyRule) {}

func (uncounted) DelRule(policyRule) {}
