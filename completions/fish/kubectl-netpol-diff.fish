complete -c kubectl-netpol-diff -l fail-on -d 'Changes that give exit code 1: any, opened or closed; what may have opened or closed counts' -r -f -a "any\t'All'
opened\t'What opens, or may'
closed\t'What closes, or may'"
complete -c kubectl-netpol-diff -l tests -d 'A file of tests, of which the change must break none: see kubectl netpol test; repeatable' -r -F
complete -c kubectl-netpol-diff -s o -l output -d 'Output format: text, wide (every change), json, yaml, md (a comment of a pull request), html (a map for the browser), dot or csv' -r -f -a "text\t'For people'
wide\t'For people, with every change'
json\t'For programs'
yaml\t'For programs and people'
md\t'For a pull request'
html\t'A map for the browser'
dot\t'For Graphviz'
csv\t'For a spreadsheet'"
complete -c kubectl-netpol-diff -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol-diff -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol-diff -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol-diff -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol-diff -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol-diff -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol-diff -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol-diff -l flux -d 'Compare the live cluster with what it would be if this Kustomization of Flux applied --path; -n is its namespace, flux-system if not given' -r
complete -c kubectl-netpol-diff -l path -d 'The directory that stands for the Kustomization\'s path in its source' -r -F
complete -c kubectl-netpol-diff -l kustomization-file -d 'The Kustomization in a file, instead of the cluster\'s; one that the cluster does not have is built without variables of the cluster' -r -F
complete -c kubectl-netpol-diff -s f -l filename -d 'Compare the live cluster with what it would be with these manifests applied: a file, a directory with all below it, - for stdin, git:REV[:PATH], flux:DIR or helm:CHART; with --staged they are read instead of a cluster; repeatable' -r -F
complete -c kubectl-netpol-diff -s k -l kustomize -d 'The same with what kubectl or kustomize builds in a directory; repeatable' -r -F
complete -c kubectl-netpol-diff -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol-diff -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol-diff -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol-diff -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol-diff -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol-diff -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol-diff -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol-diff -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol-diff -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol-diff -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-diff -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol-diff -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol-diff -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol-diff -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol-diff -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-diff -l token -d 'Bearer token' -r
complete -c kubectl-netpol-diff -l as -d 'User to impersonate' -r
complete -c kubectl-netpol-diff -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol-diff -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol-diff -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol-diff -l staged -d 'Compare what is in force with what would be if Calico\'s staged policies were: of the live cluster, or of what -f and -k name'
complete -c kubectl-netpol-diff -l summary -d 'Print counts and one line for each change, without reasons'
complete -c kubectl-netpol-diff -l witness -d 'Give, of each change between pods that are written nowhere, two such pods as manifests'
complete -c kubectl-netpol-diff -l known-only -d 'Compare only pods that are written or running, not those that rules would treat otherwise'
complete -c kubectl-netpol-diff -l policies-complete -d 'The input has every policy of the cluster: nothing opens where another one isolates'
complete -c kubectl-netpol-diff -l as-is -d 'Compare live with manifests as they are, not with the live pods under their policies'
complete -c kubectl-netpol-diff -l ignore-new -d 'Do not count workloads that came or went'
complete -c kubectl-netpol-diff -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol-diff -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol-diff -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol-diff -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol-diff -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol-diff -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol-diff -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol-diff -s h -l help -d 'Print help'
