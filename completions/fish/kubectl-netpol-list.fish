complete -c kubectl-netpol-list -l from -d 'Only from this workload, pod, namespace, node or address, or from the internet' -r
complete -c kubectl-netpol-list -l to -d 'Only to this workload, pod, namespace, Service, node or address' -r
complete -c kubectl-netpol-list -l port -d 'Only rows with this port, by number or name: 80, 53/UDP, http' -r
complete -c kubectl-netpol-list -l by -d 'What stands in a row: workload, pod or namespace' -r -f -a "workload\t''
pod\t''
namespace\t''"
complete -c kubectl-netpol-list -s o -l output -d 'Output format: table, wide (with reasons), json, yaml, csv, md, html (a map for the browser), dot or mermaid' -r -f -a "table\t''
wide\t''
json\t''
yaml\t''
csv\t''
md\t''
html\t''
dot\t''
mermaid\t''"
complete -c kubectl-netpol-list -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol-list -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol-list -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol-list -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol-list -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol-list -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol-list -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol-list -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol-list -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol-list -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol-list -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol-list -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol-list -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol-list -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol-list -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol-list -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol-list -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol-list -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol-list -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-list -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol-list -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol-list -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol-list -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol-list -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-list -l token -d 'Bearer token' -r
complete -c kubectl-netpol-list -l as -d 'User to impersonate' -r
complete -c kubectl-netpol-list -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol-list -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol-list -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol-list -s A -l all-namespaces -d 'All namespaces, which is what goes without -n'
complete -c kubectl-netpol-list -l exposed -d 'Only what is open to the whole cluster or to the outside, with the reason'
complete -c kubectl-netpol-list -l system -d 'Instead, what the cluster itself depends on: webhooks, aggregated APIs, conversions, probes, DNS and metrics-server, with what policies cut of it'
complete -c kubectl-netpol-list -l known-only -d 'Only the pods that are known: no others that policies may meet, such as those of charts'
complete -c kubectl-netpol-list -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol-list -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol-list -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol-list -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol-list -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol-list -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol-list -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol-list -s h -l help -d 'Print help'
