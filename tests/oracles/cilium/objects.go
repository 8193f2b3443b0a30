package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"

	"github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	core "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/core/v1"
	discovery "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/discovery/v1"
	networking "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/k8s/utils"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
	policytypes "github.com/cilium/cilium/pkg/policy/types"
	policyutils "github.com/cilium/cilium/pkg/policy/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	admin "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// cluster is what the manifests say.
type cluster struct {
	namespaces map[string]*core.Namespace
	// pods by NAMESPACE/NAME.
	pods map[string]*core.Pod
	// groups are the labels of every prefix that a CIDR group or the API server has.
	groups map[netip.Prefix]labels.Labels
	// rules are what the agent's watchers hand to the repository, by resource.
	rules   map[types.ResourceID]policytypes.PolicyEntries
	refused map[string]string
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
		groups:     map[netip.Prefix]labels.Labels{},
		rules:      map[types.ResourceID]policytypes.PolicyEntries{},
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
	return c, nil
}

func (c *cluster) add(head header, object json.RawMessage) error {
	namespace, name := head.Metadata.Namespace, head.Metadata.Name
	kind := types.ResourceKind("")
	var entries policytypes.PolicyEntries
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
		entries, refusal = networkPolicy(object)
	case "CiliumNetworkPolicy":
		kind = types.ResourceKindCNP
		entries, refusal = ciliumPolicy(object)
	case "CiliumClusterwideNetworkPolicy":
		kind = types.ResourceKindCCNP
		entries, refusal = clusterwidePolicy(object)
	case "ClusterNetworkPolicy":
		kind = types.ResourceKindKCNP
		entries, refusal = clusterNetworkPolicy(object)
	default:
		return fmt.Errorf("not a kind that this program reads")
	}
	if refusal != nil {
		c.refused[head.Kind+" "+namespace+"/"+name] = refusal.Error()
		return nil
	}
	c.rules[types.NewResourceID(kind, namespace, name)] = entries
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

func networkPolicy(object json.RawMessage) (policytypes.PolicyEntries, error) {
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
	return k8s.ParseNetworkPolicy(logger, clusterName, &policy)
}

func ciliumPolicy(object json.RawMessage) (policytypes.PolicyEntries, error) {
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
	rules, err := policy.Parse(logger, clusterName)
	return entries(rules, err)
}

func clusterwidePolicy(object json.RawMessage) (policytypes.PolicyEntries, error) {
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
	rules, err := policy.Parse(logger, clusterName)
	return entries(rules, err)
}

func untyped(object json.RawMessage) (*unstructured.Unstructured, error) {
	var written unstructured.Unstructured
	err := written.UnmarshalJSON(object)
	return &written, err
}

func entries(rules api.Rules, err error) (policytypes.PolicyEntries, error) {
	if err != nil {
		return nil, err
	}
	return policyutils.RulesToPolicyEntries(rules), nil
}

func clusterNetworkPolicy(object json.RawMessage) (policytypes.PolicyEntries, error) {
	var policy admin.ClusterNetworkPolicy
	if err := json.Unmarshal(object, &policy); err != nil {
		return nil, err
	}
	return k8s.ParseClusterNetworkPolicy(logger, clusterName, &policy)
}

// addGroup gives each prefix of a CIDR group the labels that the agent gives it.
func (c *cluster) addGroup(object json.RawMessage) error {
	var group v2.CiliumCIDRGroup
	if err := json.Unmarshal(object, &group); err != nil {
		return err
	}
	all := labels.Labels{}
	for key, value := range utils.RemoveCiliumLabels(group.Labels) {
		label := labels.NewLabel(key, value, labels.LabelSourceCIDRGroup)
		all[label.Key] = label
		encoded := labels.EncodedCIDRGroupLabel(label.Key, label.Value, label.Source)
		all[encoded.Key] = encoded
	}
	name := api.LabelForCIDRGroupRef(group.Name)
	all[name.Key] = name
	for _, written := range group.Spec.ExternalCIDRs {
		prefix, err := netip.ParsePrefix(string(written))
		if err != nil {
			continue // The agent warns and goes on.
		}
		merge(c.groups, prefix.Masked(), all)
	}
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
	for _, endpoint := range slice.Endpoints {
		for _, written := range endpoint.Addresses {
			address, err := netip.ParseAddr(written)
			if err != nil {
				return err
			}
			merge(c.groups, netip.PrefixFrom(address, address.BitLen()), labels.LabelKubeAPIServer)
		}
	}
	return nil
}

func merge(all map[netip.Prefix]labels.Labels, prefix netip.Prefix, more labels.Labels) {
	known, ok := all[prefix]
	if !ok {
		known = labels.Labels{}
		all[prefix] = known
	}
	maps.Copy(known, more)
}
