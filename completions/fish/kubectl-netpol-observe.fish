complete -c kubectl-netpol-observe -l from -d 'Only from this workload, pod, Service, namespace, node, name or address' -r
complete -c kubectl-netpol-observe -l to -d 'Only to this workload, pod, Service, namespace, node, name or address' -r
complete -c kubectl-netpol-observe -l port -d 'Only to this port of the destination: 8080, 53/UDP' -r
complete -c kubectl-netpol-observe -l from-pod -d 'Pods whose names begin so' -r
complete -c kubectl-netpol-observe -l to-pod -d 'Pods whose names begin so' -r
complete -c kubectl-netpol-observe -l from-namespace -d '--from ns/NAME' -r
complete -c kubectl-netpol-observe -l to-namespace -d '--to ns/NAME' -r
complete -c kubectl-netpol-observe -l protocol -d 'That of --port' -r
complete -c kubectl-netpol-observe -l verdict -d 'Only with this verdict: dropped, forwarded, audit or redirected; repeatable' -r -f -a "dropped\t''
forwarded\t''
audit\t''
redirected\t''"
complete -c kubectl-netpol-observe -l since -d 'Only since then: 30s, 5m, 2h, or a time such as 2026-11-20T10:15:00Z' -r
complete -c kubectl-netpol-observe -l last -d 'Only the last so many; of a cluster, of each node (20 unless --since or --follow is given)' -r
complete -c kubectl-netpol-observe -s o -l output -d 'Output format: text, json (one line a flow) or html (with --summary: a map for the browser)' -r -f -a "text\t''
json\t''
html\t''"
complete -c kubectl-netpol-observe -l input-file -d 'Recorded flows instead of the live ones: what `hubble observe -o jsonpb` printed; - for stdin' -r -F
complete -c kubectl-netpol-observe -l hubble-server -d 'Address of Hubble\'s relay, where it is reachable already; else its port is forwarded' -r
complete -c kubectl-netpol-observe -l hubble-namespace -d 'Namespace of Cilium, if it is not kube-system' -r
complete -c kubectl-netpol-observe -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol-observe -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol-observe -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol-observe -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol-observe -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol-observe -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol-observe -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol-observe -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol-observe -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol-observe -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol-observe -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol-observe -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol-observe -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol-observe -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol-observe -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol-observe -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol-observe -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol-observe -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol-observe -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-observe -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol-observe -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol-observe -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol-observe -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol-observe -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-observe -l token -d 'Bearer token' -r
complete -c kubectl-netpol-observe -l as -d 'User to impersonate' -r
complete -c kubectl-netpol-observe -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol-observe -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol-observe -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol-observe -s A -l all-namespaces -d 'Of all namespaces, which is what is shown anyway'
complete -c kubectl-netpol-observe -l follow -d 'Go on with what comes, until Ctrl-C'
complete -c kubectl-netpol-observe -l trace -d 'Packets on their way and replies too, for which no policy is asked'
complete -c kubectl-netpol-observe -l summary -d 'Count equal flows and show one table at the end'
complete -c kubectl-netpol-observe -l ui -d 'Open Hubble\'s UI, by `cilium hubble ui`, and do nothing else'
complete -c kubectl-netpol-observe -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol-observe -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol-observe -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol-observe -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol-observe -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol-observe -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol-observe -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol-observe -s h -l help -d 'Print help'
