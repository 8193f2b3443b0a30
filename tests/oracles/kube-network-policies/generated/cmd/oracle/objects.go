package main

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"

	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
	admin "sigs.k8s.io/network-policy-api/apis/v1alpha1"
)

// cluster is what the manifests say.
type cluster struct {
	all   networkpolicy.Objects
	pods  map[string]*v1.Pod
	nodes map[string]*v1.Node
	// priorities are those of policies of the Baseline tier, by name.
	priorities map[string]int64
}

// read reads all objects.
func read(objects []json.RawMessage) (*cluster, error) {
	c := &cluster{
		pods:       map[string]*v1.Pod{},
		nodes:      map[string]*v1.Node{},
		priorities: map[string]int64{},
	}
	for _, object := range objects {
		var head struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
			} `json:"metadata"`
		}
		if err := json.Unmarshal(object, &head); err != nil {
			return nil, err
		}
		if err := c.add(head.Kind, object); err != nil {
			return nil, fmt.Errorf("%s %s/%s: %w", head.Kind, head.Metadata.Namespace, head.Metadata.Name, err)
		}
	}
	networkpolicy.ByPriority(c.all.Baseline, func(policy *admin.BaselineAdminNetworkPolicy) int64 {
		return c.priorities[policy.Name]
	})
	return c, nil
}

func (c *cluster) add(kind string, object json.RawMessage) error {
	switch kind {
	case "Namespace":
		namespace, err := stored[v1.Namespace](object)
		if err != nil {
			return err
		}
		if namespace.Labels == nil {
			namespace.Labels = map[string]string{}
		}
		namespace.Labels[v1.LabelMetadataName] = namespace.Name
		c.all.Namespaces = append(c.all.Namespaces, namespace)
	case "Node":
		node, err := stored[v1.Node](object)
		if err != nil {
			return err
		}
		c.nodes[node.Name] = node
		c.all.Nodes = append(c.all.Nodes, node)
	case "Pod":
		pod, err := stored[v1.Pod](object)
		if err != nil {
			return err
		}
		for i := range pod.Spec.Containers {
			ports := pod.Spec.Containers[i].Ports
			for j := range ports {
				if ports[j].Protocol == "" {
					ports[j].Protocol = v1.ProtocolTCP
				}
			}
		}
		c.pods[pod.Namespace+"/"+pod.Name] = pod
		c.all.Pods = append(c.all.Pods, pod)
	case "EndpointSlice", "Service":
		// Policies see pods behind Services.
	case "NetworkPolicy":
		policy, err := stored[networkingv1.NetworkPolicy](object)
		if err != nil {
			return err
		}
		c.all.Policies = append(c.all.Policies, defaulted(policy))
	case "AdminNetworkPolicy":
		policy, err := stored[admin.AdminNetworkPolicy](object)
		if err != nil {
			return err
		}
		c.all.Admin = append(c.all.Admin, policy)
	case "BaselineAdminNetworkPolicy":
		policy, err := stored[admin.BaselineAdminNetworkPolicy](object)
		if err != nil {
			return err
		}
		c.all.Baseline = append(c.all.Baseline, policy)
	case "ClusterNetworkPolicy":
		return c.translate(object)
	default:
		return fmt.Errorf("not a kind that this program reads")
	}
	return nil
}

// stored is an object as it comes back from an API server: lists that are empty are absent.
func stored[T any](object json.RawMessage) (*T, error) {
	var written T
	if err := json.Unmarshal(object, &written); err != nil {
		return nil, err
	}
	text, err := json.Marshal(&written)
	if err != nil {
		return nil, err
	}
	var kept T
	return &kept, json.Unmarshal(text, &kept)
}

// defaulted has what the API server puts where nothing is written.
func defaulted(policy *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
	spec := &policy.Spec
	if len(spec.PolicyTypes) == 0 {
		spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(spec.Egress) > 0 {
			spec.PolicyTypes = append(spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	}
	tcp := v1.ProtocolTCP
	fill := func(ports []networkingv1.NetworkPolicyPort) {
		for i := range ports {
			if ports[i].Protocol == nil {
				ports[i].Protocol = &tcp
			}
		}
	}
	for i := range spec.Ingress {
		fill(spec.Ingress[i].Ports)
	}
	for i := range spec.Egress {
		fill(spec.Egress[i].Ports)
	}
	return policy
}

// end is one side of a flow: its address, and the node whose network it is on.
type end struct {
	address net.IP
	node    string
	pod     *v1.Pod
}

func (c *cluster) end(written, family string) (end, error) {
	kind, name, _ := strings.Cut(written, ":")
	of := func(addresses []string) net.IP {
		for _, address := range addresses {
			if ip := net.ParseIP(address); ip != nil && (ip.To4() != nil) == (family == "IPv4") {
				return ip
			}
		}
		return nil
	}
	switch kind {
	case "pod":
		pod := c.pods[name]
		if pod == nil {
			return end{}, fmt.Errorf("there is no pod %s", name)
		}
		var addresses []string
		for _, ip := range pod.Status.PodIPs {
			addresses = append(addresses, ip.IP)
		}
		found := end{address: of(addresses)}
		if pod.Spec.HostNetwork {
			found.node = pod.Spec.NodeName
		} else {
			found.pod = pod
		}
		return found, nil
	case "node":
		node := c.nodes[name]
		if node == nil {
			return end{}, fmt.Errorf("there is no node %s", name)
		}
		var addresses []string
		for _, address := range node.Status.Addresses {
			addresses = append(addresses, address.Address)
		}
		return end{address: of(addresses), node: name}, nil
	case "address":
		return end{address: of([]string{name})}, nil
	default:
		return end{}, fmt.Errorf("%q is no end of a flow", written)
	}
}

// judge gives each flow its letter.
func (c *cluster) judge(flows []flow) ([]string, error) {
	oracle := networkpolicy.NewOracle(c.all)
	verdicts := make([]string, 0, len(flows))
	for _, flow := range flows {
		from, err := c.end(flow.From, flow.Family)
		if err != nil {
			return nil, err
		}
		to, err := c.end(flow.To, flow.Family)
		if err != nil {
			return nil, err
		}
		verdicts = append(verdicts, letter(oracle, from, to, flow))
	}
	return verdicts, nil
}

func letter(oracle *networkpolicy.Oracle, from, to end, flow flow) string {
	protocol := v1.Protocol(flow.Protocol)
	switch protocol {
	case v1.ProtocolTCP, v1.ProtocolUDP, v1.ProtocolSCTP:
	default:
		return "-"
	}
	// What a pod and its own node say to each other is not brought before the engine, nor what a pod says
	// to itself.
	own := func(node string, pod *v1.Pod) bool { return pod != nil && pod.Spec.NodeName == node }
	switch {
	case from.address == nil || to.address == nil || from.pod == nil && to.pod == nil:
		return "-"
	case from.pod != nil && from.pod == to.pod:
		return "-"
	case own(from.node, to.pod) || own(to.node, from.pod):
		return "-"
	}
	if oracle.Allows(from.address, to.address, protocol, flow.Port) {
		return "a"
	}
	return "d"
}
