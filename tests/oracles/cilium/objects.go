package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	core "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/core/v1"
	discovery "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/discovery/v1"
	networking "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/k8s/utils"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// cluster is what the manifests say.
type cluster struct {
	namespaces map[string]*core.Namespace
	// pods by NAMESPACE/NAME.
	pods map[string]*core.Pod
	// groups are CIDR groups, and the API server's addresses, by the order in which labels count.
	groups []group
	// rules are what the agent's watchers hand to the repository, by resource.
	rules   map[types.ResourceID]policyRules
	refused map[string]string
}

// group is what some prefixes are labelled with.
type group struct {
	name     string
	prefixes []netip.Prefix
	labels   labels.Labels
}

// header is what tells an object's type.
type header struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
}

// read reads all objects; only policies may be refused.
func read(objects []json.RawMessage) (*cluster, error) {
	c := &cluster{
		namespaces: map[string]*core.Namespace{},
		pods:       map[string]*core.Pod{},
		rules:      map[types.ResourceID]policyRules{},
		refused:    map[string]string{},
	}
	for _, object := range objects {
		var head header
		if err := json.Unmarshal(object, &head); err != nil {
			return nil, err
		}
		if err := c.add(head, object); err != nil {
			return nil, fmt.Errorf("%s %s/%s: %w", head.Kind, head.Metadata.Namespace, head.Metadata.Name, err)
		}
	}
	// Of groups that label a prefix otherwise the agent takes the first by its name.
	slices.SortStableFunc(c.groups, func(a, b group) int { return strings.Compare(a.name, b.name) })
	return c, nil
}

func (c *cluster) add(head header, object json.RawMessage) error {
	namespace, name := head.Metadata.Namespace, head.Metadata.Name
	var kind types.ResourceKind
	var rules policyRules
	var refusal error
	switch head.Kind {
	case "Namespace":
		var namespace core.Namespace
		if err := json.Unmarshal(object, &namespace); err != nil {
			return err
		}
		// As the API server adds it.
		namespace.Labels = with(namespace.Labels, "kubernetes.io/metadata.name", name)
		c.namespaces[name] = &namespace
		return nil
	case "Pod":
		var pod core.Pod
		if err := json.Unmarshal(object, &pod); err != nil {
			return err
		}
		c.pods[namespace+"/"+name] = &pod
		return nil
	case "Node", "Service":
		return nil // A node is asked about by its name, and policies see pods behind Services.
	case "EndpointSlice":
		return c.addAPIServer(head, object)
	case "CiliumCIDRGroup":
		return c.addGroup(object)
	case "NetworkPolicy":
		kind = types.ResourceKindNetpol
		rules, refusal = networkPolicy(object)
	case "CiliumNetworkPolicy":
		kind = types.ResourceKindCNP
		rules, refusal = ciliumPolicy(object)
	case "CiliumClusterwideNetworkPolicy":
		kind = types.ResourceKindCCNP
		rules, refusal = clusterwidePolicy(object)
	case "ClusterNetworkPolicy":
		kind = ofAdministrators
		rules, refusal = clusterNetworkPolicy(object)
	default:
		return fmt.Errorf("not a kind that this program reads")
	}
	if refusal != nil {
		c.refused[head.Kind+" "+namespace+"/"+name] = refusal.Error()
		return nil
	}
	c.rules[types.NewResourceID(kind, namespace, name)] = rules
	return nil
}

func with(all map[string]string, key, value string) map[string]string {
	all = maps.Clone(all)
	if all == nil {
		all = map[string]string{}
	}
	all[key] = value
	return all
}

func networkPolicy(object json.RawMessage) (policyRules, error) {
	var policy networking.NetworkPolicy
	if err := json.Unmarshal(object, &policy); err != nil {
		return nil, err
	}
	// What the API server puts where nothing is written.
	if len(policy.Spec.PolicyTypes) == 0 {
		policy.Spec.PolicyTypes = []networking.PolicyType{networking.PolicyTypeIngress}
		if len(policy.Spec.Egress) > 0 {
			policy.Spec.PolicyTypes = append(policy.Spec.PolicyTypes, networking.PolicyTypeEgress)
		}
	}
	return k8s.ParseNetworkPolicy(logger, clusterOfPeers, &policy)
}

func ciliumPolicy(object json.RawMessage) (policyRules, error) {
	written, err := untyped(object)
	if err != nil {
		return nil, err
	}
	if err := schema.ValidateCNP(written); err != nil {
		return nil, err
	}
	var policy v2.CiliumNetworkPolicy
	if err := json.Unmarshal(object, &policy); err != nil {
		return nil, err
	}
	rules, err := policy.Parse(logger, clusterOfPeers)
	if err != nil {
		return nil, err
	}
	return rulesOf(rules), nil
}

func clusterwidePolicy(object json.RawMessage) (policyRules, error) {
	written, err := untyped(object)
	if err != nil {
		return nil, err
	}
	if err := schema.ValidateCCNP(written); err != nil {
		return nil, err
	}
	var policy v2.CiliumClusterwideNetworkPolicy
	if err := json.Unmarshal(object, &policy); err != nil {
		return nil, err
	}
	rules, err := policy.Parse(logger, clusterOfPeers)
	if err != nil {
		return nil, err
	}
	return rulesOf(rules), nil
}

func untyped(object json.RawMessage) (*unstructured.Unstructured, error) {
	var written unstructured.Unstructured
	err := written.UnmarshalJSON(object)
	return &written, err
}

// addGroup gives each prefix of a CIDR group the labels that the agent gives it.
func (c *cluster) addGroup(object json.RawMessage) error {
	var written v2.CiliumCIDRGroup
	if err := json.Unmarshal(object, &written); err != nil {
		return err
	}
	all := labels.Labels{}
	for key, value := range utils.RemoveCiliumLabels(written.Labels) {
		for _, label := range labelsOfGroups(key, value) {
			all[label.Key] = label
		}
	}
	name := api.LabelForCIDRGroupRef(written.Name)
	all[name.Key] = name
	made := group{name: written.Name, labels: all}
	for _, written := range written.Spec.ExternalCIDRs {
		prefix, err := netip.ParsePrefix(string(written))
		if err != nil {
			continue // The agent warns and goes on.
		}
		made.prefixes = append(made.prefixes, prefix.Masked())
	}
	c.groups = append(c.groups, made)
	return nil
}

// addAPIServer labels the addresses of the API server.
func (c *cluster) addAPIServer(head header, object json.RawMessage) error {
	var slice discovery.EndpointSlice
	if err := json.Unmarshal(object, &slice); err != nil {
		return err
	}
	if head.Metadata.Namespace != "default" || slice.Labels["kubernetes.io/service-name"] != "kubernetes" {
		return nil
	}
	made := group{labels: labels.LabelKubeAPIServer}
	for _, endpoint := range slice.Endpoints {
		for _, written := range endpoint.Addresses {
			address, err := netip.ParseAddr(written)
			if err != nil {
				return err
			}
			made.prefixes = append(made.prefixes, netip.PrefixFrom(address, address.BitLen()))
		}
	}
	c.groups = append(c.groups, made)
	return nil
}

// merge labels a prefix besides; what it has already stays.
func merge(all map[netip.Prefix]labels.Labels, prefix netip.Prefix, more labels.Labels) {
	known, ok := all[prefix]
	if !ok {
		known = labels.Labels{}
		all[prefix] = known
	}
	for key, label := range more {
		if _, there := known[key]; !there {
			known[key] = label
		}
	}
}
