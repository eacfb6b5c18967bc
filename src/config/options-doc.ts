/** docs/options.md, made from the tables of options and annotations. Pure. */
import { annotationPrefix, annotations } from './eip-annotations.ts';
import { mostAddresses } from './eip-fields.ts';
import { mostAddressesTogether } from './eip-set.ts';
import { defaultConfigFile } from './load.ts';
import { options } from './options.ts';
import type { Option } from './option.ts';

const titles: Readonly<Record<string, string>> = {
  node: 'Node', store: 'Store', lease: 'Lease', heartbeat: 'Heartbeats',
  quorum: 'Quorum mode', eips: 'Eips, and defaults for them', vip: 'VRRP', fence: 'Fence',
  log: 'Log', http: 'HTTP',
};

const head = `<!-- Made by src/config/generate-docs.ts: change src/config/options.ts, then run
     node --import tsx src/config/generate-docs.ts -->

# Options

Every option of \`tenure agent\` can be given as a flag, as an environment variable, or in the
configuration file, and the first of these that has it wins. The commands that talk to the store
alone (\`tenure get\`, \`tenure drain\` and so on) take the options of the store, from the same places.

The file is named by \`--config\` or \`TENURE_CONFIG\`; otherwise it is \`${defaultConfigFile}\`, if there
is one. It is YAML:

\`\`\`yaml
node:
  name: web-1
  labels: {rack: r1}
store:
  etcd:
    endpoints: [https://10.0.0.1:2379, https://10.0.0.2:2379, https://10.0.0.3:2379]
    caFile: ca.pem
lease:
  duration: 3s
\`\`\`

- Durations are written with a unit: \`300ms\`, \`5s\`, \`2m\`, \`1m30s\`.
- Lists and maps are written with commas in flags and variables: \`a,b\` and \`rack=r1,zone=a\`.
- An empty variable counts as not given.
- Names of files in the configuration file are relative to it, others to the working directory.
- What is given is checked, overridden or not. An unknown field is refused, and so is a variable whose
  name is nearly that of an option. \`tenure config check\` shows what an agent would make of it all.
`;

const foot = `## Settings of an Eip

An Eip is a manifest of \`network.kubesphere.io/v1alpha2\`, as in Kubernetes with OpenELB:

\`\`\`yaml
apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata:
  name: web
  annotations:
    tenure.io/node-selector: rack in (r1,r2)
    tenure.io/failback: 5m
spec:
  address: 192.0.2.10-192.0.2.19
  interface: eth0
  protocol: layer2
\`\`\`

- \`spec.address\`: one address, a CIDR block or a range \`first-last\`, IPv4 or IPv6, of at most ${mostAddresses}
  addresses; all Eips together may have ${mostAddressesTogether}. A CIDR block is all of its addresses: \`192.0.2.10/24\`
  is \`192.0.2.0\` to \`192.0.2.255\`. No two Eips may overlap, disabled ones included. It may be changed
  later: addresses in the old block alone are given up, those in both stay where they are.
- \`spec.interface\`: the name of an interface, or \`can_reach:<ip>\`: the one by which that address is
  reached.
- \`spec.protocol\`: \`layer2\`, or \`vip\` for [VRRP by keepalived](keepalive-vip.md). Left out it would
  mean bgp, which Tenure does not speak: refused.
- \`spec.disable\`: \`true\` gives the addresses up; nobody else may have them meanwhile.
- \`spec.priority\`: a whole number; \`spec.namespaces\`, \`spec.namespaceSelector\`, \`spec.usingKnownIPs\`: for
  Services in Kubernetes; no effect on plain hosts.

Tenure's own settings are annotations:
`;

export function renderOptionsDoc(): string {
  const parts = [head];
  const all: readonly Option<unknown>[] = Object.values(options);
  for (const [group, title] of Object.entries(titles)) {
    const members = all.filter(({ path }) => path.startsWith(`${group}.`));
    parts.push(`## ${title}\n`, ...members.map(section));
  }
  parts.push(foot, ...annotations.map(({ name, example, about }) =>
    `- \`${annotationPrefix}${name}\`, as in \`${example.replaceAll('"', '')}\`. ${about}`), '');
  return `${parts.join('\n').trimEnd()}\n`;
}

function section(option: Option<unknown>): string {
  const flag = option.flag === null ? 'no flag' : `\`--${option.flag} <${option.argument}>\``;
  const fallback = option.fallbackShown
    ?? (option.fallback === null ? 'none' : `\`${option.fallback}\``);
  return `### \`${option.path}\`

${option.about}

${flag} · \`${option.variable}\` · default: ${fallback}
`;
}
