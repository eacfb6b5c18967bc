/** The Eip documents as the store has them, and what they come to together. */
import type { AgentConfig } from '../config/agent-config.ts';
import type { EipDocument } from '../config/eip-document.ts';
import { expandEips, refereedEips, usableEips } from '../config/eip-set.ts';
import type { EipSettings } from '../config/eip-set.ts';
import type { EipPolicy } from '../core/events.ts';
import type { Eip } from '../core/model.ts';
import type { DocumentChange, StoredDocument } from '../store/lease-store.ts';

export interface Expanded {
  readonly eips: ReadonlyMap<Eip, EipSettings>;
  /** Addresses that have a lease and are announced by keepalived; one of each Eip. */
  readonly refereed: ReadonlyMap<Eip, EipSettings>;
  readonly policies: ReadonlyMap<Eip, EipPolicy>;
  /** By Eip name: a sentence for each that cannot be used. */
  readonly faults: ReadonlyMap<string, string>;
  /** Eips that keepalived keeps, disabled ones too. */
  readonly vip: readonly EipDocument[];
  /** All that are stored, by name. */
  readonly stored: ReadonlyMap<string, StoredDocument>;
}

export class Documents {
  readonly #defaults: AgentConfig['eips'];
  readonly #documents = new Map<string, StoredDocument>();

  constructor(defaults: AgentConfig['eips']) {
    this.#defaults = defaults;
  }

  apply(change: DocumentChange): Expanded {
    if (change.reset) this.#documents.clear();
    for (const { name, document } of change.documents) {
      if (document === null) this.#documents.delete(name);
      else this.#documents.set(name, document);
    }
    const { documents, faults } = usableEips([...this.#documents.values()]);
    const eips = expandEips(documents, this.#defaults);
    const policies = new Map<Eip, EipPolicy>();
    for (const [eip, { pool, selector, failbackMs }] of eips) {
      policies.set(eip, { pool, selector, failbackMs });
    }
    const refereed = refereedEips(documents, this.#defaults);
    for (const [eip, { pool, selector, failbackMs }] of refereed) {
      policies.set(eip, { pool, selector, failbackMs, announced: false });
    }
    const vip = documents.filter(({ protocol }) => protocol === 'vip');
    return { eips, refereed, policies, faults, vip, stored: new Map(this.#documents) };
  }
}
