# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_netpol_global_optspecs
    string join \n n/namespace= color= v/v= limits= kubeconfig= context= cluster= user= s/server= insecure-skip-tls-verify= certificate-authority= tls-server-name= client-certificate= client-key= disable-compression= token= as= as-group= as-uid= request-timeout= h/help V/version
end

function __fish_kubectl_netpol_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kubectl_netpol_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kubectl_netpol_using_subcommand
    set -l cmd (__fish_kubectl_netpol_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "bootstrap" -d 'Close a namespace: default deny, DNS and the named allows'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "completion" -d 'Complete words on the command line, with the names of the cluster'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "diff" -d 'Say which flows a change opens and closes'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "doctor" -d 'Say whether programs, cluster and rights are there that the commands need'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "explain" -d 'Say why a flow is allowed or denied, by policy, rule and line'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "lint" -d 'Say what policies do not do that they seem to'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "list" -d 'List who may talk to whom on what'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "map" -d 'Write a map of who may talk to whom, and open it in the browser'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "observe" -d 'Show the flows that Hubble sees, beside what the policies predict'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "probe" -d 'Try in the cluster what the policies predict, one connection each'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "reach" -d 'Say how far one gets from a pod or the internet, step by step, and what would cut it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "summary" -d 'Say of every namespace whether it is default-deny and what is allowed, in one table'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_needs_command" -f -a "test" -d 'Prove that what is meant of policies holds, for every pod that there is and could be'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -s l -l selector -d 'The namespaces with these labels instead' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l leave-out -d 'Namespace that --whole-cluster leaves as it is, too; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l label -d 'Label to give the namespace; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l deny -d 'What is denied by default: ingress, egress or all' -r -f -a "ingress\t''
egress\t''
all\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l dns -d 'How DNS is allowed: auto (as the cluster serves it), namespace (kube-system), strict or none' -r -f -a "auto\t''
namespace\t''
strict\t''
none\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l dialect -d 'Language of the policies: networkpolicy (default), cilium or calico' -r -f -a "networkpolicy\t''
cilium\t''
calico\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l allow-ingress-controller -d 'Admit the ingress controller of a namespace, ingress-nginx by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l ingress-port -d 'Port on the pods that it may reach, not the Service\'s; repeatable, every port by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l allow-monitoring -d 'Admit monitoring, by default monitoring/app.kubernetes.io/name=prometheus' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l metrics-port -d 'Port on the pods that it may reach; repeatable, every port by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l allow-ingress -d 'Who may reach the pods: NAMESPACE, NAMESPACE/LABEL=VALUE, NAMESPACE/KIND/NAME, an address or network, cluster, internet, or under Cilium host, remote-node or kube-apiserver, with :PORT for one port of the pods; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l allow-egress -d 'Where the pods may connect to: NAMESPACE/svc/NAME[:PORT], any end that --allow-ingress takes (a namespace as ns/NAME), with --dns-proxy also a host; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l baseline -d 'A team\'s own baseline; flags change it' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l dry-run -d 'Change nothing: client says what would be written, server lets the API server check it' -r -f -a "none\t'Write'
client\t'Only say'
server\t'Let the server check'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -s o -l output -d 'Output format: yaml, json or name' -r -f -a "yaml\t''
json\t''
name\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l tests -d 'A file of tests: what breaks one that holds is not written; see kubectl netpol test; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l export -d 'Write files for Git to a directory instead, and add them to its kustomization.yaml' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l export-layout -d 'Files of --export: one (network-policies.yaml) or many (one a policy)' -r -f -a "one\t'One file a namespace'
many\t'One file a policy'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l learn -d 'Add the policies that flows need which Hubble saw: of the last hour, or since 30m or a time; config stands for what configuration names, without any flow, and config,30m for both; prints everything for review and applies nothing' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l input-file -d 'Recorded flows instead of the live ones: what `hubble observe -o jsonpb` printed; - for stdin' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l hubble-server -d 'Address of Hubble\'s relay, where it is reachable already; else its port is forwarded' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l hubble-namespace -d 'Namespace of Cilium, if it is not kube-system' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l whole-cluster -d 'All namespaces instead, by one GlobalNetworkPolicy of Calico, but those in which Kubernetes and Calico run; with --dialect calico only'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l dns-proxy -d 'Let what is asked of DNS pass Cilium\'s proxy, without which no policy can name a host'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l both-sides -d 'Write the ingress side of --allow-egress in the other namespace, too'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l allow-same-namespace -d 'Let the pods of the namespace reach one another'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l force-conflicts -d 'Take over fields that another field manager wrote'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l wait -d 'Wait until the API serves what was written, or no longer serves what was removed'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -s y -l yes -d 'Do not ask before connections are cut; twice for a namespace that the cluster itself needs'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l prune -d 'Take away what an earlier run wrote and that is not asked for now'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l remove -d 'Take back what was written here, and nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l overwrite -d 'Let --export replace files that it did not write'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l schema -d 'Print the JSON Schema of --baseline files and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand bootstrap" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l install -d 'Put the completers that kubectl asks beside the plugin on PATH'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -l remove -d 'Remove what --install wrote, before the plugin itself is uninstalled'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand completion" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l fail-on -d 'Changes that give exit code 1: any, opened or closed; what may have opened or closed counts' -r -f -a "any\t'All'
opened\t'What opens, or may'
closed\t'What closes, or may'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l tests -d 'A file of tests, of which the change must break none: see kubectl netpol test; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -s o -l output -d 'Output format: text, wide (every change), json, yaml, md (a comment of a pull request), html (a map for the browser), dot or csv' -r -f -a "text\t'For people'
wide\t'For people, with every change'
json\t'For programs'
yaml\t'For programs and people'
md\t'For a pull request'
html\t'A map for the browser'
dot\t'For Graphviz'
csv\t'For a spreadsheet'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l flux -d 'Compare the live cluster with what it would be if this Kustomization of Flux applied --path; -n is its namespace, flux-system if not given' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l path -d 'The directory that stands for the Kustomization\'s path in its source' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l kustomization-file -d 'The Kustomization in a file, instead of the cluster\'s; one that the cluster does not have is built without variables of the cluster' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -s f -l filename -d 'Compare the live cluster with what it would be with these manifests applied: a file, a directory with all below it, - for stdin, git:REV[:PATH], flux:DIR or helm:CHART; with --staged they are read instead of a cluster; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -s k -l kustomize -d 'The same with what kubectl or kustomize builds in a directory; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l staged -d 'Compare what is in force with what would be if Calico\'s staged policies were: of the live cluster, or of what -f and -k name'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l summary -d 'Print counts and one line for each change, without reasons'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l witness -d 'Give, of each change between pods that are written nowhere, two such pods as manifests'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l known-only -d 'Compare only pods that are written or running, not those that rules would treat otherwise'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l policies-complete -d 'The input has every policy of the cluster: nothing opens where another one isolates'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l as-is -d 'Compare live with manifests as they are, not with the live pods under their policies'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l ignore-new -d 'Do not count workloads that came or went'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand diff" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -s o -l output -d 'Output format: text, json or yaml' -r -f -a "text\t'For people'
json\t'For programs'
yaml\t'For programs and people'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l port -d 'Port, by number or name, if need be with its protocol: 80, 53/UDP, http' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l suggest -d 'Print the smallest policies that would allow what is denied, as YAML to apply: networkpolicy, cilium, calico or auto, the dialect of the policies that isolate' -r -f -a "auto\t''
networkpolicy\t''
cilium\t''
calico\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -s o -l output -d 'Output format: text, wide (every rule), json or yaml' -r -f -a "text\t'For people'
wide\t'For people, with every rule'
json\t'For programs'
yaml\t'For programs and people'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l without -d 'Leave out a policy: netpol/NAME or NAMESPACE/netpol/NAME; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l timeout -d 'How long --reconcile may take' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l observe -d 'Show what Hubble saw between the two, too: in the last 5 minutes, or since 1h or a time' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l input-file -d 'Recorded flows instead of the live ones: what `hubble observe -o jsonpb` printed; - for stdin' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l hubble-server -d 'Address of Hubble\'s relay, where it is reachable already; else its port is forwarded' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l hubble-namespace -d 'Namespace of Cilium, if it is not kube-system' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l with -d 'Lay what -f and -k name over the live cluster, as if it were applied'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -l reconcile -d 'Have Flux apply what Git has, as `flux reconcile kustomization NAME --with-source` does, to the Kustomizations that the deciding policies come from; then explain'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand explain" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l fail-on -d 'How bad a finding must be to give exit code 1: error, warning, note or never' -r -f -a "error\t'What has to be mended'
warning\t'What should be looked at, too'
note\t'Anything'
never\t'Nothing'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l config -d 'Settings: how bad each lint is, or off, by path and namespace [default: netpol-lint.yaml of the working directory, where it is]' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -s o -l output -d 'Output format: text, json, yaml, sarif (code scanning) or github (lines of a pull request)' -r -f -a "text\t'For people'
json\t'For programs'
yaml\t'For programs and people'
sarif\t'For code scanning'
github\t'For a workflow of GitHub'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l config-schema -d 'Print the JSON Schema of the settings and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand lint" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l from -d 'Only from this workload, pod, namespace, node or address, or from the internet' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l to -d 'Only to this workload, pod, namespace, Service, node or address' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l port -d 'Only rows with this port, by number or name: 80, 53/UDP, http' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l by -d 'What stands in a row: workload, pod or namespace' -r -f -a "workload\t''
pod\t''
namespace\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -s o -l output -d 'Output format: table, wide (with reasons), json, yaml, csv, md, html (a map for the browser), dot or mermaid' -r -f -a "table\t''
wide\t''
json\t''
yaml\t''
csv\t''
md\t''
html\t''
dot\t''
mermaid\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -s A -l all-namespaces -d 'All namespaces, which is what goes without -n'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l exposed -d 'Only what is open to the whole cluster or to the outside, with the reason'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l system -d 'Instead, what the cluster itself depends on: webhooks, aggregated APIs, conversions, probes, DNS and metrics-server, with what policies cut of it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l known-only -d 'Only the pods that are known: no others that policies may meet, such as those of charts'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand list" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l diff -d 'Show what changes from one to the other, each as `diff` takes it' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l tests -d 'A file of tests: what breaks them is on the map, and all of them beside it, with --diff those that come out otherwise; see kubectl netpol test; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l output -d 'Where the page goes; what is there is replaced (default: netpol-map.html)' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l hubble-server -d 'Address of Hubble\'s relay, where it is reachable already; else its port is forwarded' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l hubble-namespace -d 'Namespace of Cilium, if it is not kube-system' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l observe -d 'Show what Hubble saw, too: what is used and how often, what is dropped and what could be closed; of the last 5 minutes, or since 1h or a time' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l input-file -d 'Recorded flows instead of the live ones: what `hubble observe -o jsonpb` printed; - for stdin' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l no-open -d 'Write the page, and do not open it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand map" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l from -d 'Only from this workload, pod, Service, namespace, node, name or address' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l to -d 'Only to this workload, pod, Service, namespace, node, name or address' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l port -d 'Only to this port of the destination: 8080, 53/UDP' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l from-pod -d 'Pods whose names begin so' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l to-pod -d 'Pods whose names begin so' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l from-namespace -d '--from ns/NAME' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l to-namespace -d '--to ns/NAME' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l protocol -d 'That of --port' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l verdict -d 'Only with this verdict: dropped, forwarded, audit or redirected; repeatable' -r -f -a "dropped\t''
forwarded\t''
audit\t''
redirected\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l since -d 'Only since then: 30s, 5m, 2h, or a time such as 2026-11-20T10:15:00Z' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l last -d 'Only the last so many; of a cluster, of each node (20 unless --since or --follow is given)' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -s o -l output -d 'Output format: text, json (one line a flow) or html (with --summary: a map for the browser)' -r -f -a "text\t''
json\t''
html\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l input-file -d 'Recorded flows instead of the live ones: what `hubble observe -o jsonpb` printed; - for stdin' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l hubble-server -d 'Address of Hubble\'s relay, where it is reachable already; else its port is forwarded' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l hubble-namespace -d 'Namespace of Cilium, if it is not kube-system' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -s A -l all-namespaces -d 'Of all namespaces, which is what is shown anyway'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l follow -d 'Go on with what comes, until Ctrl-C'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l trace -d 'Packets on their way and replies too, for which no policy is asked'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l summary -d 'Count equal flows and show one table at the end'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l ui -d 'Open Hubble\'s UI, by `cilium hubble ui`, and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand observe" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l max -d 'At most so many connections' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l via -d 'How: exec in the pod\'s container with what it has, or with bash, python3, nc or curl; an ephemeral container; auto is exec, and ephemeral where the container has nothing for it' -r -f -a "auto\t''
exec\t''
ephemeral\t''
bash\t''
python3\t''
nc\t''
curl\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l image -d 'Image of ephemeral containers, with sh and one of python3, bash, nc and curl' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l rate -d 'At most so many connections a second' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l connect-timeout -d 'How long a connection is waited for, 1s to 30s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -s o -l output -d 'Output format: text, json or yaml' -r -f -a "text\t'For people'
json\t'For programs'
yaml\t'For programs and people'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -s A -l all-namespaces -d 'Of every namespace'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -s y -l yes -d 'Do not ask before anything is tried'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l dry-run -d 'Show what would be tried, and with which prediction; try nothing'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand probe" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l to -d 'Only to this workload, pod, namespace or Service, with what would cut every way there' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l max-hops -d 'At most so many hops' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -s o -l output -d 'Output format: text, wide (every way), json, yaml, dot or mermaid' -r -f -a "text\t'For people'
wide\t'For people, with every way'
json\t'For programs'
yaml\t'For programs and people'
dot\t'For Graphviz'
mermaid\t'For documentation'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l representatives -d 'Take pods that nobody has written for steps too, one of each kind that rules tell apart'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand reach" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -s o -l output -d 'Output format: table, wide (counts and places too), md, json or yaml' -r -f -a "table\t'For a terminal'
wide\t'For a terminal, with counts and places'
md\t'For documentation'
json\t'For programs'
yaml\t'For programs and people'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -s A -l all-namespaces -d 'Every namespace, which is the default without -n'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand summary" -s V -l version -d 'Print version'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l only -d 'Only tests whose name has this in it; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -s o -l output -d 'Output format: text, wide (what each test asks), json, yaml, html (a map for the browser), junit, sarif or github' -r -f -a "text\t'For people'
wide\t'For people, with what each test asks'
json\t'For programs'
yaml\t'For programs and people'
html\t'A map for the browser'
junit\t'For test runners'
sarif\t'For code scanning'
github\t'For a workflow of GitHub'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l token -d 'Bearer token' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l as -d 'User to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l allow-unknown -d 'End with 0 where tests are not known, as if they were proved'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l watch -d 'Test again whenever a file of the tests or of the manifests changes, until Ctrl-C'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l draft -d 'Write a first file of tests from what holds now, to be cut down'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l file-schema -d 'Print the JSON Schema of a file of tests and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -s h -l help -d 'Print help'
complete -c kubectl-netpol -n "__fish_kubectl_netpol_using_subcommand test" -s V -l version -d 'Print version'
