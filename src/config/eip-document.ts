/**
 * Eip manifests: `network.kubesphere.io/v1alpha2`, OpenELB's API as Kubernetes serves it, for plain
 * hosts. The same documents serve on both; where hosts differ:
 *
 * - Every address of an Eip that is not disabled is announced, network and broadcast address of a
 *   CIDR block included as far as the interface's subnet does not have them as such. Hence a bound
 *   on the size of one Eip, which OpenELB has not.
 * - `spec.protocol` must be `layer2`, or `vip` for VRRP by keepalived. Left out it means bgp in
 *   this API, which Tenure does not speak: to announce such an Eip by ARP would be a surprise, so
 *   it is refused.
 * - `spec.disable` gives the addresses up: nobody holds them, and they stay reserved.
 * - `spec.address` may be changed: addresses that are in the old block alone are given up, those
 *   in both stay with their holders, new ones are claimed. (In Kubernetes, where Services have been
 *   given the addresses, admission refuses that.)
 * - `spec.namespaces`, `namespaceSelector` and `usingKnownIPs` choose Services: no effect on hosts.
 * - Link-local addresses are refused: every interface has their subnet, so that none says where the
 *   address belongs, and IPv6 ones would need a zone.
 */
import { stringify } from 'yaml';
import { parseAddress } from '../wire/address.ts';
import type { Block } from '../wire/address.ts';
import { readAnnotations } from './eip-annotations.ts';
import type { AnnotationSettings } from './eip-annotations.ts';
import { parseEipAddress, parseInterface, rangeText } from './eip-fields.ts';
import type { InterfaceSpec } from './eip-fields.ts';
import { FieldReader } from './field-reader.ts';
import { whyNotSubdomain } from './names.ts';
import { inOrder, quote } from './problem.ts';
import type { ConfigProblem, Parsed } from './problem.ts';
import { readYaml, toPlain } from './yaml-source.ts';
import type { YamlEntry, YamlMap, YamlValue } from './yaml-source.ts';

export interface EipDocument {
  readonly name: string;
  /** `eips.yaml:3`. */
  readonly source: string;
  readonly block: Block;
  /** `spec.address` as written. */
  readonly address: string;
  readonly interface: InterfaceSpec;
  readonly protocol: EipProtocol;
  readonly disabled: boolean;
  readonly priority: number;
  readonly settings: AnnotationSettings;
  /** The manifest as written. */
  readonly text: string;
  /** The manifest as JSON has it. */
  readonly plain: unknown;
}

export interface EipDocuments {
  readonly documents: readonly EipDocument[];
  /** If there are any, nothing of the text is to be applied. */
  readonly problems: readonly ConfigProblem[];
  /** Worth telling, and no reason to refuse. */
  readonly notes: readonly ConfigProblem[];
}

export const apiVersion = 'network.kubesphere.io/v1alpha2';

const specFields = [
  'address', 'interface', 'protocol', 'disable', 'priority', 'namespaces', 'namespaceSelector',
  'usingKnownIPs',
];
const inertFields = ['namespaces', 'namespaceSelector', 'usingKnownIPs'];
/** What `kubectl get -o yaml` prints besides is let be. */
const metadataFields = [
  'name', 'annotations', 'labels', 'namespace', 'creationTimestamp', 'deletionGracePeriodSeconds',
  'deletionTimestamp', 'finalizers', 'generateName', 'generation', 'managedFields',
  'ownerReferences', 'resourceVersion', 'selfLink', 'uid',
];

/** Who announces the addresses: the agent itself, or the keepalived that it runs. */
export type EipProtocol = 'layer2' | 'vip';

/** Reads all documents of a file. Never throws; `file` is for the problems' sources. */
export function parseEipDocuments(file: string, text: string): EipDocuments {
  const { documents, faults } = readYaml(text);
  const parser = new EipParser(file);
  for (const fault of faults) parser.reader.report(fault.line, null, fault.text);
  for (const document of documents) parser.document(document.root, document.text);
  if (documents.length === 0 && faults.length === 0) {
    parser.reader.report(1, null, `holds no manifest: write one of apiVersion ${apiVersion} and kind Eip.`);
  }
  const problems = inOrder(parser.reader.problems);
  return { documents: parser.documents, problems, notes: parser.notes };
}

class EipParser {
  readonly reader: FieldReader;
  readonly documents: EipDocument[] = [];
  readonly notes: ConfigProblem[] = [];
  readonly #names = new Map<string, string>();

  constructor(file: string) {
    this.reader = new FieldReader(file);
  }

  document(root: YamlValue, text: string): void {
    if (root.kind !== 'map') {
      this.reader.entries(root, '');
      return;
    }
    const kind = textOf(root, 'kind');
    if (kind === 'List' || kind === 'EipList') this.#list(root);
    else this.#eip(root, text);
  }

  /** `kubectl get eips -o yaml` prints one. */
  #list(root: YamlMap): void {
    const fields = this.reader.fields(root, '', ['apiVersion', 'kind', 'metadata', 'items']);
    const items = fields?.get('items')?.value;
    if (items?.kind !== 'list') {
      this.reader.report(root.line, 'items', 'is missing: write the list of Eips.');
      return;
    }
    for (const item of items.items) {
      if (item.kind === 'map') this.#eip(item, stringify(toPlain(item)));
      else this.reader.entries(item, 'items');
    }
  }

  #eip(root: YamlMap, text: string): void {
    const { reader } = this;
    const before = reader.problems.length;
    if (!this.#isEip(root)) return;
    const fields = reader.fields(root, '', ['apiVersion', 'kind', 'metadata', 'spec', 'status']);
    const metadata = fields?.get('metadata');
    const spec = fields?.get('spec');
    if (metadata === undefined) reader.report(root.line, 'metadata.name', 'is missing: name the Eip.');
    if (spec === undefined) reader.report(root.line, 'spec.address', 'is missing: write an address, a CIDR block or a range.');
    const named = metadata === undefined ? null : this.#metadata(metadata);
    const specified = spec === undefined ? null : this.#spec(spec);
    if (named === null || specified === null || reader.problems.length > before) return;
    this.documents.push({
      ...named, ...specified, source: reader.source(root.line), text, plain: toPlain(root),
    });
  }

  #isEip(root: YamlMap): boolean {
    const before = this.reader.problems.length;
    for (const [field, wanted] of [['apiVersion', apiVersion], ['kind', 'Eip']] as const) {
      const found = textOf(root, field);
      if (found === wanted) continue;
      const line = root.entries.find(({ key }) => key === field)?.line ?? root.line;
      const what = found === null ? 'is missing' : `${quote(found)} is not what is applied here`;
      this.reader.report(line, field, `${what}: write ${wanted}.`);
    }
    return this.reader.problems.length === before;
  }

  #metadata(entry: YamlEntry): Pick<EipDocument, 'name' | 'settings'> | null {
    const { reader } = this;
    const fields = reader.fields(entry.value, 'metadata', metadataFields);
    if (fields === null) return null;
    const annotations = fields.get('annotations');
    const settings = annotations === undefined || isNull(annotations)
      ? {}
      : readAnnotations(reader, annotations, 'metadata.annotations');
    const field = fields.get('name');
    if (field === undefined) {
      reader.report(entry.line, 'metadata.name', 'is missing: name the Eip.');
      return null;
    }
    const name = reader.string(field, 'metadata.name');
    if (name === null) return null;
    const fault = whyNotSubdomain(name);
    if (fault !== null) {
      reader.report(field.line, 'metadata.name', `${quote(name)} ${fault}`);
      return null;
    }
    const other = this.#names.get(name);
    if (other !== undefined) {
      reader.report(field.line, 'metadata.name', `${quote(name)} is also the name of the Eip at ${other}: name them differently.`);
      return null;
    }
    this.#names.set(name, reader.source(field.line));
    return { name, settings };
  }

  #spec(
    entry: YamlEntry,
  ): Pick<
    EipDocument, 'block' | 'address' | 'interface' | 'protocol' | 'disabled' | 'priority'
  > | null {
    const { reader } = this;
    const fields = reader.fields(entry.value, 'spec', specFields);
    if (fields === null) return null;
    const protocol = this.#protocol(fields.get('protocol'), entry.line);
    const address = this.#text(fields, 'address', entry.line, 'write an address, a CIDR block or a range.', parseEipAddress);
    const on = this.#text(fields, 'interface', entry.line, 'name the interface on the LAN, as in eth0, or write can_reach:<ip>.', parseInterface);
    const disable = fields.get('disable');
    const disabled = disable === undefined ? false : reader.boolean(disable, 'spec.disable');
    const rank = fields.get('priority');
    const priority = rank === undefined
      ? 0
      : reader.integer(rank, 'spec.priority', -2_147_483_648, 2_147_483_647);
    for (const name of inertFields) {
      const line = fields.get(name)?.line;
      if (line !== undefined) this.#note(line, `spec.${name}`, 'has no effect on plain hosts.');
    }
    if (address === null || on === null || disabled === null || priority === null) return null;
    if (protocol === null) return null;
    this.#noteMasked(address.text, address.value, address.line);
    return {
      block: address.value, address: address.text, interface: on.value, protocol, disabled,
      priority,
    };
  }

  #protocol(entry: YamlEntry | undefined, line: number): EipProtocol | null {
    const at = 'spec.protocol';
    const fix = 'set spec.protocol: layer2, or vip for VRRP by keepalived.';
    if (entry === undefined) {
      this.reader.report(line, at, `is missing, which means bgp in this API, and Tenure does not speak BGP: ${fix}`);
      return null;
    }
    const protocol = this.reader.string(entry, at);
    if (protocol === null || protocol === 'layer2' || protocol === 'vip') return protocol;
    const why = protocol === 'bgp' ? 'is not spoken by Tenure' : 'is no protocol of this API';
    this.reader.report(entry.value.line, at, `${quote(protocol)} ${why}: ${fix}`);
    return null;
  }

  #text<T>(
    fields: ReadonlyMap<string, YamlEntry>, name: string, line: number, advice: string,
    read: (text: string) => Parsed<T>,
  ): { readonly text: string; readonly value: T; readonly line: number } | null {
    const at = `spec.${name}`;
    const entry = fields.get(name);
    if (entry === undefined) {
      this.reader.report(line, at, `is missing: ${advice}`);
      return null;
    }
    const text = this.reader.string(entry, at);
    if (text === null) return null;
    const parsed = read(text);
    if ('error' in parsed) {
      this.reader.report(entry.value.line, at, parsed.error);
      return null;
    }
    return { text, value: parsed.value, line: entry.value.line };
  }

  /** `192.168.0.10/24` is 256 addresses in this API, and often meant as one. */
  #noteMasked(text: string, block: Block, line: number): void {
    const [base = '', length] = text.split('/');
    const written = parseAddress(base);
    if (length === undefined || 'error' in written || written.value === block.first.value) return;
    this.#note(line, 'spec.address', `${quote(text)} is the whole block ${rangeText(block)}, ${block.size} addresses; for the one address write ${base}.`);
  }

  #note(line: number, field: string, text: string): void {
    this.notes.push({ source: this.reader.source(line), field, text });
  }
}

function isNull({ value }: YamlEntry): boolean {
  return value.kind === 'scalar' && value.value === null;
}

function textOf(map: YamlMap, key: string): string | null {
  const value = map.entries.find((entry) => entry.key === key)?.value;
  return value?.kind === 'scalar' && value.value !== null ? value.text : null;
}
