/** Manifests for tests. */

export interface ManifestParts {
  readonly name?: string;
  readonly address?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Lines under spec besides address, as `priority: 1`. */
  readonly more?: readonly string[];
  readonly interface?: string | null;
  readonly protocol?: string | null;
}

export function manifest({
  name = 'web', address = '192.0.2.10', annotations = {}, more = [], interface: on = 'eth0',
  protocol = 'layer2',
}: ManifestParts = {}): string {
  const notes = Object.entries(annotations).map(([key, text]) => `    ${key}: ${JSON.stringify(text)}`);
  return [
    'apiVersion: network.kubesphere.io/v1alpha2', 'kind: Eip', 'metadata:', `  name: ${name}`,
    ...(notes.length > 0 ? ['  annotations:', ...notes] : []),
    'spec:', `  address: ${JSON.stringify(address)}`,
    ...(on === null ? [] : [`  interface: ${on}`]),
    ...(protocol === null ? [] : [`  protocol: ${protocol}`]),
    ...more.map((line) => `  ${line}`), '',
  ].join('\n');
}
