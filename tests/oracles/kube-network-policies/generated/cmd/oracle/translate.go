package main

import (
	"encoding/json"
	"fmt"

	v1 "k8s.io/api/core/v1"
	admin "sigs.k8s.io/network-policy-api/apis/v1alpha1"
)

// policy is a ClusterNetworkPolicy of v1alpha2, as far as it is not as v1alpha1 has it.
type policy struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Tier     string                                      `json:"tier"`
		Priority int32                                       `json:"priority"`
		Subject  admin.AdminNetworkPolicySubject             `json:"subject"`
		Ingress  []rule[admin.AdminNetworkPolicyIngressPeer] `json:"ingress"`
		Egress   []rule[admin.AdminNetworkPolicyEgressPeer]  `json:"egress"`
	} `json:"spec"`
}

// rule is one of its rules.
type rule[Peer any] struct {
	Action    string     `json:"action"`
	From      []Peer     `json:"from"`
	To        []Peer     `json:"to"`
	Protocols []protocol `json:"protocols"`
}

// protocol is an item of its ports.
type protocol struct {
	TCP   *ports  `json:"tcp"`
	UDP   *ports  `json:"udp"`
	SCTP  *ports  `json:"sctp"`
	Named *string `json:"destinationNamedPort"`
}

type ports struct {
	Destination *struct {
		Number *int32 `json:"number"`
		Range  *struct {
			Start int32 `json:"start"`
			End   int32 `json:"end"`
		} `json:"range"`
	} `json:"destinationPort"`
}

// translate makes of a ClusterNetworkPolicy the policy of v1alpha1 that says the same. Those of the
// Baseline tier, of which v1alpha1 has one, are asked by their priority.
func (c *cluster) translate(object json.RawMessage) error {
	var written policy
	if err := json.Unmarshal(object, &written); err != nil {
		return err
	}
	spec := written.Spec
	switch spec.Tier {
	case "Admin":
		made := &admin.AdminNetworkPolicy{}
		made.Name = written.Metadata.Name
		made.Spec.Priority, made.Spec.Subject = spec.Priority, spec.Subject
		for _, rule := range spec.Ingress {
			made.Spec.Ingress = append(made.Spec.Ingress, admin.AdminNetworkPolicyIngressRule{
				Action: action(rule.Action), From: rule.From, Ports: translated(rule.Protocols),
			})
		}
		for _, rule := range spec.Egress {
			made.Spec.Egress = append(made.Spec.Egress, admin.AdminNetworkPolicyEgressRule{
				Action: action(rule.Action), To: rule.To, Ports: translated(rule.Protocols),
			})
		}
		c.all.Admin = append(c.all.Admin, made)
	case "Baseline":
		made := &admin.BaselineAdminNetworkPolicy{}
		made.Name = written.Metadata.Name
		made.Spec.Subject = spec.Subject
		for _, rule := range spec.Ingress {
			made.Spec.Ingress = append(made.Spec.Ingress, admin.BaselineAdminNetworkPolicyIngressRule{
				Action: admin.BaselineAdminNetworkPolicyRuleAction(action(rule.Action)),
				From:   rule.From, Ports: translated(rule.Protocols),
			})
		}
		for _, rule := range spec.Egress {
			peers := make([]admin.BaselineAdminNetworkPolicyEgressPeer, 0, len(rule.To))
			for _, peer := range rule.To {
				if len(peer.DomainNames) > 0 {
					return fmt.Errorf("names of domains are not translated")
				}
				peers = append(peers, admin.BaselineAdminNetworkPolicyEgressPeer{
					Namespaces: peer.Namespaces, Pods: peer.Pods, Nodes: peer.Nodes, Networks: peer.Networks,
				})
			}
			made.Spec.Egress = append(made.Spec.Egress, admin.BaselineAdminNetworkPolicyEgressRule{
				Action: admin.BaselineAdminNetworkPolicyRuleAction(action(rule.Action)),
				To:     peers, Ports: translated(rule.Protocols),
			})
		}
		c.priorities[made.Name] = int64(spec.Priority)
		c.all.Baseline = append(c.all.Baseline, made)
	default:
		return fmt.Errorf("there is no tier %q", spec.Tier)
	}
	return nil
}

func action(written string) admin.AdminNetworkPolicyRuleAction {
	if written == "Accept" {
		return admin.AdminNetworkPolicyRuleActionAllow
	}
	return admin.AdminNetworkPolicyRuleAction(written)
}

func translated(protocols []protocol) *[]admin.AdminNetworkPolicyPort {
	if len(protocols) == 0 {
		return nil
	}
	all := []admin.AdminNetworkPolicyPort{}
	for _, item := range protocols {
		if item.Named != nil {
			all = append(all, admin.AdminNetworkPolicyPort{NamedPort: item.Named})
		}
		for name, of := range map[v1.Protocol]*ports{
			v1.ProtocolTCP: item.TCP, v1.ProtocolUDP: item.UDP, v1.ProtocolSCTP: item.SCTP,
		} {
			if of == nil {
				continue
			}
			port := &admin.PortRange{Protocol: name, Start: 1, End: 65535}
			if at := of.Destination; at != nil && at.Number != nil {
				port.Start, port.End = *at.Number, *at.Number
			} else if at != nil && at.Range != nil {
				port.Start, port.End = at.Range.Start, at.Range.End
			}
			all = append(all, admin.AdminNetworkPolicyPort{PortRange: port})
		}
	}
	return &all
}
