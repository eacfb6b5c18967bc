/**
 * The one table of options. From it come the flags, the TENURE_* variables, the fields of
 * tenure.yaml, `docs/options.md` (by generate-docs.ts) and the types of their values.
 */
import { formatBurst, defaultBurst } from './burst.ts';
import { option, text } from './option.ts';
import type { Option } from './option.ts';
import {
  advertInterval, burst, durationIn, etcdEndpoints, etcdPrefix, failback, hold, hostAddresses,
  hostNetworks, httpListen, kubeNamespace, leaseDuration, nodeLabels, nodeName, nonEmpty, oneOf,
  wholeNumberIn, wordsOf,
} from './option-values.ts';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export const logFormats = ['auto', 'json', 'pretty'] as const;
export const fenceModes = ['auto', 'egress', 'arp'] as const;
export const announceModes = ['bind', 'respond'] as const;
export const heartbeatProfiles = ['fast', 'lan', 'wan'] as const;
export const storeKinds = ['etcd', 'kubernetes', 'none'] as const;
export const switches = ['on', 'off'] as const;

export const options = {
  nodeName: option({
    path: 'node.name', flag: 'node-name', argument: 'name', fallbackShown: 'the host name',
    brief: 'name of this node',
    about: 'Name of this node, different from that of every other node on the same store. A DNS subdomain in lower case, as Kubernetes has them.',
    reader: text(nodeName),
  }),
  nodeLabels: option({
    path: 'node.labels', flag: 'node-labels', argument: 'key=value,...', fallback: '', fallbackShown: 'none',
    brief: 'its labels, for the node selectors of Eips',
    about: 'Labels of this node, for the node selectors of Eips. In YAML a map.',
    reader: { form: 'map', read: nodeLabels },
  }),
  nodeWeight: option({
    path: 'node.weight', flag: 'node-weight', argument: 'number', fallback: '100',
    brief: 'its share of the addresses, 0 to 1000',
    about: 'Share of the addresses that this node takes, relative to the weights of the others, 0 to 1000. With 0 it takes none.',
    reader: text(wholeNumberIn(0, 1000)),
  }),
  storeKind: option({
    path: 'store.kind', flag: 'store', argument: 'kind', fallback: 'etcd', client: true,
    brief: 'where leases are kept',
    about: '`etcd`, or `kubernetes`: Lease objects of its API, and Eips as its custom resources ([which to choose](stores.md)). All agents must have the same. `none`: there are no leases, and all Eips are kept by VRRP, from the manifests in eips.directory ([VRRP](keepalive-vip.md)). In YAML `store: kubernetes` will do where nothing else is said of the store.',
    reader: text(oneOf(storeKinds)),
  }),
  storeRequestTimeout: option({
    path: 'store.requestTimeout', flag: 'store-request-timeout', argument: 'duration', fallback: '1s', client: true,
    brief: 'after so long a request counts as failed',
    about: 'After so long a request to the store counts as failed, 50ms to 30s. At most half of lease.duration, so that a renewal whose answer is lost is tried again in time.',
    reader: text(durationIn(50, 30_000)),
  }),
  etcdEndpoints: option({
    path: 'store.etcd.endpoints', flag: 'etcd-endpoints', argument: 'url,...', fallback: 'http://127.0.0.1:2379', client: true,
    brief: 'members of the etcd cluster',
    about: 'Members of the etcd cluster, all with http:// or all with https://. In YAML a list.',
    reader: { form: 'list', read: etcdEndpoints },
  }),
  etcdPrefix: option({
    path: 'store.etcd.prefix', flag: 'etcd-prefix', argument: 'prefix', fallback: '/tenure/', client: true,
    brief: 'beginning of all keys',
    about: 'All keys begin with it. Agents with another prefix are another Tenure.',
    reader: text(etcdPrefix),
  }),
  etcdCa: option({
    path: 'store.etcd.caFile', flag: 'etcd-ca-file', argument: 'file', client: true, file: true,
    fallbackShown: 'the system\'s',
    brief: 'certificates of the authorities of etcd',
    about: 'Certificates (PEM) of the authorities that may have signed those of etcd.',
    reader: text(nonEmpty),
  }),
  etcdCert: option({
    path: 'store.etcd.certFile', flag: 'etcd-cert-file', argument: 'file', client: true, file: true,
    brief: 'client certificate to show to etcd',
    about: 'Client certificate (PEM) to show to etcd; with store.etcd.keyFile.',
    reader: text(nonEmpty),
  }),
  etcdKey: option({
    path: 'store.etcd.keyFile', flag: 'etcd-key-file', argument: 'file', client: true, file: true,
    brief: 'its private key',
    about: 'Private key (PEM, not encrypted) of the client certificate.',
    reader: text(nonEmpty),
  }),
  etcdUser: option({
    path: 'store.etcd.user', flag: 'etcd-user', argument: 'name', client: true,
    brief: 'user of etcd',
    about: 'User of etcd; with a password or password file.',
    reader: text(nonEmpty),
  }),
  etcdPassword: option({
    path: 'store.etcd.password', variable: 'TENURE_ETCD_PASSWORD', argument: 'password', client: true, secret: true,
    brief: 'its password',
    about: 'Password of that user. Has no flag, since every user of the host can read the flags of a process; a file is better still.',
    reader: text(nonEmpty),
  }),
  etcdPasswordFile: option({
    path: 'store.etcd.passwordFile', flag: 'etcd-password-file', argument: 'file', client: true, file: true,
    brief: 'file with its password',
    about: 'File with that password, a line break at its end left out.',
    reader: text(nonEmpty),
  }),
  kubeconfig: option({
    path: 'store.kubernetes.kubeconfig', flag: 'kubeconfig', argument: 'file', client: true, file: true,
    fallbackShown: 'KUBECONFIG, else the pod\'s service account, else ~/.kube/config',
    brief: 'how to reach the Kubernetes API',
    about: 'Kubeconfig file that says how to reach the Kubernetes API. Tokens and certificates that it names are read anew as they are replaced.',
    reader: text(nonEmpty),
  }),
  kubeContext: option({
    path: 'store.kubernetes.context', flag: 'kube-context', argument: 'name', client: true,
    fallbackShown: 'the current one',
    brief: 'context of the kubeconfig',
    about: 'One of the contexts of the kubeconfig.',
    reader: text(nonEmpty),
  }),
  kubeNamespace: option({
    path: 'store.kubernetes.namespace', flag: 'kube-namespace', argument: 'name', client: true,
    fallbackShown: 'the pod\'s, else the context\'s, else tenure-system',
    brief: 'namespace of the leases',
    about: 'Namespace that the leases are kept in; it must be there. Agents with another namespace are another Tenure.',
    reader: text(kubeNamespace),
  }),
  leaseDuration: option({
    path: 'lease.duration', flag: 'lease-duration', argument: 'duration', fallback: '5s',
    brief: 'life of a node lease without renewal',
    about: 'A node that dies loses its addresses to others after so long; a node that cannot reach the store for so long falls silent. Whole seconds from 2s to 300s: stores count leases in seconds, and etcd grants none shorter than 1.5 election timeouts, which is 2s if it was not told otherwise.',
    reader: text(leaseDuration),
  }),
  settleTime: option({
    path: 'lease.settleTime', flag: 'settle-time', argument: 'duration', fallback: '1s',
    brief: 'take no free address in the first so many',
    about: 'A node takes no free address in its first so many, 0ms to 60s, so that nodes that start together share the addresses.',
    reader: text(durationIn(0, 60_000)),
  }),
  heartbeatKeyFile: option({
    path: 'heartbeat.keyFile', flag: 'heartbeat-key-file', argument: 'file', file: true,
    fallbackShown: 'none: lease mode',
    brief: 'key that agents know one another by; turns quorum mode on',
    about: 'File with the key that agents know one another\'s heartbeats by, the same for all nodes, as of `openssl rand -base64 32`. It turns quorum mode on: with three nodes or more, a dead one is found by the others, in the time of `heartbeat.support`, store or no store. Without it, nodes are judged by their leases in the store alone. To replace the key: add the new one as a second line on every node, then put it first on every node, then take the old one out. The file is read anew when it changes, and on SIGHUP.',
    reader: text(nonEmpty),
  }),
  heartbeatPort: option({
    path: 'heartbeat.port', flag: 'heartbeat-port', argument: 'port', fallback: '9477',
    brief: 'UDP port of heartbeats',
    about: 'UDP port of heartbeats; nodes may have different ones. The default is next to that of http.listen, belongs to no well-known service, and is not among those that Linux gives to clients (from 32768 on).',
    reader: text(wholeNumberIn(1, 65_535)),
  }),
  heartbeatAddresses: option({
    path: 'heartbeat.addresses', flag: 'heartbeat-addresses', argument: 'address,...', fallback: '',
    fallbackShown: 'one on each interface that Eips are on, else on that of the default route',
    brief: 'addresses of this host, or networks, that heartbeats use',
    about: 'Addresses of this host that heartbeats are sent from and received on, or networks such as `192.0.2.0/24`, of which it takes its address there: so that all nodes can have the same. By default the network that the Eips are on, so that what is judged is what clients see. Of several, those that Eips are on count, and the others are for nodes that are on none of these.',
    reader: { form: 'list', read: hostNetworks },
  }),
  heartbeatProfile: option({
    path: 'heartbeat.profile', flag: 'heartbeat-profile', argument: 'profile', fallback: 'lan',
    brief: 'fast, lan or wan: how soon a silent node is given up',
    about: '`fast`: heartbeats each 3ms, a silent node is given up after 15ms: for hosts and a LAN that keep time that well. `lan`: 60ms and 300ms, for virtual machines too. `wan`: 500ms and 3s. All nodes should have the same.',
    reader: text(oneOf(heartbeatProfiles)),
  }),
  heartbeatInterval: option({
    path: 'heartbeat.interval', flag: 'heartbeat-interval', argument: 'duration',
    fallbackShown: 'that of the profile', brief: 'time between heartbeats',
    about: 'Time between two heartbeats, 1ms to 10s, instead of the profile\'s.',
    reader: text(durationIn(1, 10_000)),
  }),
  heartbeatSupport: option({
    path: 'heartbeat.support', flag: 'heartbeat-support', argument: 'duration',
    fallbackShown: 'that of the profile', brief: 'a node that is silent for so long is given up',
    about: 'A node of which nothing was heard for so long is given up, 5ms to 60s, instead of the profile\'s; at least three times heartbeat.interval.',
    reader: text(durationIn(5, 60_000)),
  }),
  heartbeatObserve: option({
    path: 'heartbeat.observe', flag: 'heartbeat-observe', argument: 'duration', fallback: '10m',
    brief: 'watch the timing for so long before judging the profile',
    about: 'The agent measures how late its own heartbeats are, and those of others. After it has been in quorum mode for so long, 10s to 24h, it says in `tenure status` if heartbeat.support is too tight for this host or network, or needlessly long, and what would fit.',
    reader: text(durationIn(10_000, 86_400_000)),
  }),
  quorumHold: option({
    path: 'quorum.hold', flag: 'quorum-hold', argument: 'duration', fallback: '5m',
    brief: 'in quorum mode, life of a node lease without renewal',
    about: 'In quorum mode, the life of a node lease without renewal: four fifths of it at least may the store be away before addresses fall silent; whole seconds from 10s to 1h. Where most voters of a node were lost with their machines, and nobody could replace them, it takes as long until others have its addresses: of three nodes one may be lost.',
    reader: text(hold),
  }),
  eipsDirectory: option({
    path: 'eips.directory', flag: 'eips', argument: 'dir', file: true,
    fallbackShown: 'none: Eips come from the store',
    brief: 'manifests of Eips, where there is no store',
    about: 'Directory of manifests, with `store: none` alone: all files in it that end in .yaml, .yml or .json, the same on every node. They are read anew when they change.',
    reader: text(nonEmpty),
  }),
  announce: option({
    path: 'eips.announce', flag: 'announce', argument: 'mode', fallback: 'bind',
    brief: 'bind addresses to the interface, or only respond',
    about: '`bind` puts an address on the interface of the node that holds it, for programs on that host; `respond` only answers for it, where something else takes the traffic. An Eip\'s own annotation goes first.',
    reader: text(oneOf(announceModes)),
  }),
  failback: option({
    path: 'eips.failback', flag: 'failback', argument: 'never|duration', fallback: 'never',
    brief: 'when addresses go back to preferred nodes',
    about: 'An address goes back to the node that placement prefers when that was fit to have it for so long; `never`: only when its holder goes. An Eip\'s own annotation goes first.',
    reader: text(failback),
  }),
  burst: option({
    path: 'eips.burst', flag: 'burst', argument: 'key=value,...', fallback: formatBurst(defaultBurst),
    brief: 'claims on taking an address over',
    about: 'Claims on taking an address over: `count` at once and after `interval`, each interval `growth` times the last, then one every `refresh` (0: never). What is left out keeps its default. In YAML a map. An Eip\'s own annotation goes first.',
    reader: { form: 'map', read: burst },
  }),
  linger: option({
    path: 'eips.linger', flag: 'linger', argument: 'duration', fallback: '1s',
    brief: 'keep a moved address bound for so long',
    about: 'On a planned move a bound address stays on its interface, unclaimed, for so long, so that packets on their way still arrive; 0ms to 60s.',
    reader: text(durationIn(0, 60_000)),
  }),
  vipAdvertInterval: option({
    path: 'vip.advertInterval', flag: 'vip-advert-interval', argument: 'duration', fallback: '1s',
    brief: 'time between advertisements of VRRP',
    about: 'Time between two advertisements of VRRP, 10ms to 40950ms in steps of 10ms, the same on every node. A backup takes over after three of them.',
    reader: text(advertInterval),
  }),
  vipVirtualMac: option({
    path: 'vip.virtualMac', flag: 'vip-virtual-mac', argument: 'on|off', fallback: 'off',
    brief: 'a virtual MAC address for each Eip of VRRP',
    about: '`on`: each Eip with `spec.protocol: vip` has a MAC address of its own, which moves with it.',
    reader: text(oneOf(switches)),
  }),
  vipPeers: option({
    path: 'vip.peers', flag: 'vip-peers', argument: 'address,...', fallback: '', fallbackShown: 'none: multicast',
    brief: 'addresses of all nodes: VRRP by unicast',
    about: 'Addresses of all nodes, this one included, the same on every node: VRRP is then sent to each of them instead of to its multicast group. For networks that carry no multicast; and without a store priorities that are sure to differ come from it.',
    reader: { form: 'list', read: hostAddresses },
  }),
  vipTrackInterfaces: option({
    path: 'vip.trackInterfaces', flag: 'vip-track-interfaces', argument: 'name,...', fallback: '', fallbackShown: 'none',
    brief: 'interfaces without which VRRP gives up here',
    about: 'Interfaces, beside that of an Eip, without whose link this node is no master of it: an uplink.',
    reader: { form: 'list', read: wordsOf('an interface') },
  }),
  vipTrackProcesses: option({
    path: 'vip.trackProcesses', flag: 'vip-track-processes', argument: 'name,...', fallback: '', fallbackShown: 'none',
    brief: 'programs without which VRRP gives up here',
    about: 'Programs, such as `haproxy`, that have to run here for this node to be master of anything. keepalived has to be built with TRACK_PROCESS, which Debian\'s 2.2.7 is not (`keepalived --version` tells); it is refused otherwise.',
    reader: { form: 'list', read: wordsOf('a program') },
  }),
  vipTrackScript: option({
    path: 'vip.trackScript', flag: 'vip-track-script', argument: 'command',
    brief: 'a command that fails where VRRP is to give up',
    about: 'A command, by its whole path, that root runs every two seconds: when it has failed twice, or took longer than two seconds, this node is master of nothing until it succeeds. keepalived refuses one that others than root could change.',
    reader: text(nonEmpty),
  }),
  vipKeyFile: option({
    path: 'vip.keyFile', flag: 'vip-key-file', argument: 'file', file: true,
    brief: "key of VRRP's HMAC (keepalived 2.4.0 and later)",
    about: 'A file that holds a key of 32 bytes or more, the same on every node: advertisements are then authenticated. keepalived has that from 2.4.0 on; an earlier one is refused.',
    reader: text(nonEmpty),
  }),
  vipRunDirectory: option({
    path: 'vip.runDirectory', flag: 'vip-run-directory', argument: 'dir', fallback: '/run/tenure/keepalived', file: true,
    brief: "for keepalived's files",
    about: "For keepalived's configuration, pid files and FIFO: a directory that nobody else uses, and that is empty after a restart of the machine.",
    reader: text(nonEmpty),
  }),
  vipProgram: option({
    path: 'vip.program', flag: 'vip-program', argument: 'path', fallback: 'keepalived',
    brief: 'keepalived to run',
    about: 'keepalived to run, by name or path; 2.1.0 or later.',
    reader: text(nonEmpty),
  }),
  fence: option({
    path: 'fence.mode', flag: 'fence', argument: 'mode', fallback: 'auto',
    brief: 'auto, egress or arp: how claims are fenced',
    about: '`egress`: kernel rules see to it that only this agent claims an address, and only while its tenure lasts (Linux 5.16 and later). `arp`: for older kernels, with the agent\'s own checks for the rest. `auto`: the best that the kernel has.',
    reader: text(oneOf(fenceModes)),
  }),
  logLevel: option({
    path: 'log.level', flag: 'log-level', argument: 'level', fallback: 'info',
    brief: 'error, warn, info or debug',
    about: '`error`: someone must act; `warn`: it may come to that; `info`: ownership changed; `debug`: packets.',
    reader: text(oneOf(logLevels)),
  }),
  logFormat: option({
    path: 'log.format', flag: 'log-format', argument: 'format', fallback: 'auto',
    brief: 'auto, json or pretty',
    about: '`json`: one object a line; `pretty`: for people; `auto`: pretty on a terminal, else json.',
    reader: text(oneOf(logFormats)),
  }),
  httpListen: option({
    path: 'http.listen', flag: 'http-listen', argument: 'address', fallback: '127.0.0.1:9476',
    brief: 'health and metrics over HTTP, or off',
    about: 'Where /healthz, /readyz and /metrics are served, without authentication; `:9476` is every address of the host, `off` is nowhere.',
    reader: text(httpListen),
  }),
} as const satisfies Record<string, Option<unknown>>;

export type OptionKey = keyof typeof options;
export type OptionValue<K extends OptionKey> =
  (typeof options)[K] extends Option<infer T> ? T : never;
export type OptionValues = { readonly [K in OptionKey]: OptionValue<K> };
