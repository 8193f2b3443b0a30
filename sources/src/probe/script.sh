# Tries connections one after another and sends nothing over TCP. Nothing here comes from a cluster: what is
# to be tried are the arguments.
# In: which program (or any), seconds to wait, a pause, then PROTOCOL ADDRESS PORT of each.
# Out: a line for each: netpol-probe NUMBER PROGRAM RESULT WORDS
set -f
via=$1 wait=$2 pause=$3
shift 3
[ "$via" = any ] && via='python3 bash nc curl'
nl='
'

# What a program said in its own words, as one of ours.
reads() {
  case $1 in
    *'onnection refused'*) result=refused ;;
    *'etwork is unreachable'* | *'etwork unreachable'*) result=noroute ;;
    *'o route to host'* | *'ost is unreachable'* | *'ost unreachable'* | *rohibited*) result=unreachable ;;
    *'imed out'* | *'imeout was reached'* | *'Ncat: TIMEOUT'*) result=silent ;;
    *'not known'* | *'not resolve'* | *'name resolution'* | *'bad address'* | *'o address'* | *'host lookup failed'*)
      result=unresolved
      ;;
    *) result=failed ;;
  esac
}

by_python3() {
  said=$(python3 -c '
import errno, socket, sys
proto, host, port, wait = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
kind = socket.SOCK_DGRAM if proto == "udp" else socket.SOCK_STREAM
try:
    first = socket.getaddrinfo(host, port, 0, kind)[0]
except OSError:
    sys.exit(print("unresolved"))
words = {errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "unreachable",
         errno.ENETUNREACH: "noroute", errno.ETIMEDOUT: "silent"}
try:
    one = socket.socket(first[0], kind)
    one.settimeout(wait)
    one.connect(first[4])
    if proto == "udp":
        one.send(b"\n")
        one.recv(1)
    print("connected")
except socket.timeout:
    print("silent")
except OSError as error:
    print(words.get(error.errno, "failed"), error)
' "$1" "$2" "$3" "$wait" 2>&1)
  case $said in
    connected) result=connected ;;
    refused* | unreachable* | noroute* | silent* | unresolved*) result=${said%% *} ;;
    *) result=failed ;;
  esac
}

by_bash() {
  command -v timeout >/dev/null 2>&1 || { result=missing; return; }
  said=$(timeout "$wait" bash -c '
exec 3<>"/dev/$0/$1/$2" || exit 9
[ "$0" = udp ] || exit 0
echo >&3
read -r -n 1 -u 3
' "$1" "$2" "$3" 2>&1)
  case $? in
    0) result=connected ;;
    124 | 137 | 143) result=silent ;;
    *) reads "$said" ;;
  esac
}

by_nc() {
  [ "$1" = tcp ] && command -v timeout >/dev/null 2>&1 || { result=missing; return; }
  said=$(timeout "$((wait + 2))" nc -v -w "$wait" "$2" "$3" </dev/null 2>&1 >/dev/null)
  code=$?
  case $said in
    *'nvalid option'* | *'nrecognized option'* | *'sage:'*)
      # One that is told nothing to run goes on until the other side ends it.
      said=$(timeout "$((wait + 2))" nc -w "$wait" "$2" "$3" -e true </dev/null 2>&1 >/dev/null)
      code=$?
      ;;
  esac
  case $code:$said in
    *'nvalid option'* | *'nrecognized option'* | *'sage:'*) result=failed ;;
    0:* | *' succeeded!'* | *') open'* | *'Ncat: Connected to '*) result=connected ;;
    *) reads "$said" ;;
  esac
}

by_curl() {
  [ "$1" = tcp ] || { result=missing; return; }
  case $2 in *:*) host="[$2]" ;; *) host=$2 ;; esac
  said=$(curl -q -sSv -o /dev/null --noproxy '*' --connect-timeout "$wait" --max-time "$((wait + 1))" \
    -w "${nl}netpol-connect %{time_connect}" "telnet://$host:$3" </dev/null 2>&1)
  case $said in
    *'netpol-connect 0.000000'* | *'netpol-connect 0,000000'*) reads "$said" ;;
    *'netpol-connect '*) result=connected ;;
    *) result=failed ;;
  esac
}

number=0
while [ $# -ge 3 ]; do
  [ "$number" = 0 ] || sleep "$pause" 2>/dev/null || sleep 1
  by=none result=missing said=
  for program in $via; do
    command -v "$program" >/dev/null 2>&1 || continue
    before=$by was=$result heard=$said
    by=$program
    "by_$program" "$1" "$2" "$3"
    case $result in
      missing) by=$before result=$was said=$heard ;;
      failed) ;;
      *) break ;;
    esac
  done
  [ "$result" = failed ] || said=
  printf 'netpol-probe %s %s %s %.100s\n' "$number" "$by" "$result" "${said##*"$nl"}"
  number=$((number + 1))
  shift 3
done
