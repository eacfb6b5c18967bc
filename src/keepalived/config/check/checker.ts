import type { FindingCode, Findings, Position, Severity } from '../finding.ts';
import { type HostFacts, type InterfaceFacts, interfaceFacts } from '../host.ts';
import type { Configuration, GlobalDefs, VrrpInstance } from '../model.ts';
import type { Statement } from '../read/context.ts';
import type { Positions } from '../read/model.ts';
import { type Version, isAtLeast } from '../version.ts';

/** What the checks of a whole configuration work on. */
export interface CheckInput {
  readonly configuration: Configuration;
  readonly positions: Positions;
  readonly statements: readonly Statement[];
  readonly version: Version;
  readonly facts: HostFacts;
  readonly findings: Findings;
}

/** A complaint about a part of the model. */
export interface PartComplaint {
  /** The keyword it is about; the position is that keyword's. */
  readonly key?: string;
  readonly code?: FindingCode;
  readonly value?: string | undefined;
  readonly allowed?: string;
  readonly severity?: Severity;
}

/** The configuration under check, and ways to ask about it and to complain. */
export class Checker {
  readonly configuration: Configuration;
  readonly statements: readonly Statement[];
  readonly facts: HostFacts;
  readonly global: GlobalDefs;
  readonly version: Version;
  readonly #positions: Positions;
  readonly #findings: Findings;

  constructor(input: CheckInput) {
    this.configuration = input.configuration;
    this.statements = input.statements;
    this.facts = input.facts;
    this.global = input.configuration.global_defs ?? {};
    this.#positions = input.positions;
    this.version = input.version;
    this.#findings = input.findings;
  }

  /** Whether the target is this release or a later one. */
  since(release: string): boolean {
    return isAtLeast(this.version, release);
  }

  positionOf(part: object, key?: string): Position {
    return this.#positions.of(part, key) ?? { file: '', line: 1, column: 1 };
  }

  /** Whether a part stands before another one. */
  isBefore(part: object, other: object): boolean {
    return this.#positions.isBefore(part, other);
  }

  /** Complains about a part of the model; `message` is the whole sentence. */
  say(part: object, message: string, about: PartComplaint = {}): void {
    this.sayAt(this.positionOf(part, about.key), message, about);
  }

  sayAt(at: Position, message: string, about: PartComplaint = {}): void {
    const { key = '', code = 'conflict', value, allowed, severity = 'error' } = about;
    const complaint = { code, keyword: key, value, allowed, message };
    if (severity === 'error') this.#findings.error(at, complaint);
    else this.#findings.warn(at, complaint);
  }

  /** The same about an instance, which the message names. */
  sayOf(instance: VrrpInstance, message: string, about: PartComplaint = {}): void {
    this.say(instance, `vrrp_instance ${instance.name}: ${message}`, about);
  }

  interfaceFacts(name: string | undefined): InterfaceFacts | undefined {
    return name === undefined ? undefined : interfaceFacts(this.facts, name);
  }

  /** Whether an interface is there now; yes if the interfaces are not known. */
  hasInterface(name: string): boolean {
    return this.facts.interfaces?.has(name) ?? true;
  }
}

/** Statements of a block with a given keyword. */
export function statementsOf(
  statements: readonly Statement[] | undefined, ...keywords: readonly string[]
): Statement[] {
  return (statements ?? []).filter(({ words: [first] }) =>
    first !== undefined && keywords.includes(first.text));
}
