/** What people write: Eip documents, drains, requests to move. */
import type { IKeyValue } from 'etcd3';
import type { Eip, MoveRequest } from '../../core/model.ts';
import { checkName } from '../checks.ts';
import { StoreError } from '../lease-store.ts';
import type { DocumentChange, StoredDocument } from '../lease-store.ts';
import type { Connection } from './connection.ts';
import { Follower, listRange } from './follow.ts';
import type { Keys } from './keys.ts';
import { checkMarker, ensureMarker } from './marker.ts';
import { encodeMove } from './records.ts';
import { chunks, maxTxnOps, put, remove, unchanged } from './txn.ts';

const moveLifetimeSeconds = 60;

export class Operators {
  readonly #connection: Connection;
  readonly #keys: Keys;

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async listDocuments(signal: AbortSignal): Promise<readonly StoredDocument[]> {
    await checkMarker(this.#connection, this.#keys, signal);
    const { kvs } = await listRange(this.#connection, this.#keys.documents, signal);
    return this.#documents(kvs);
  }

  async putDocuments(documents: readonly StoredDocument[], signal: AbortSignal): Promise<boolean> {
    for (const { name } of documents) checkName('document', name);
    if (documents.length === 0) return true;
    if (documents.length > maxTxnOps) {
      throw new StoreError(
        'invalid', `${documents.length} documents cannot be written as one; `
        + `etcd takes at most ${maxTxnOps}`, { fix: 'apply them in several parts' },
      );
    }
    await ensureMarker(this.#connection, this.#keys, signal);
    const { succeeded } = await this.#connection.call('txn', {
      compare: documents.map(({ name, revision }) => (
        unchanged(this.#keys.document(name), revision)
      )),
      success: documents.map(({ name, text }) => put(this.#keys.document(name), Buffer.from(text))),
    }, signal);
    return succeeded;
  }

  async deleteDocument(name: string, signal: AbortSignal): Promise<boolean> {
    checkName('document', name);
    await checkMarker(this.#connection, this.#keys, signal);
    const { responses } = await this.#connection.call('txn', {
      success: [remove(this.#keys.document(name))],
    }, signal);
    return responses[0]?.response_delete_range.deleted !== '0';
  }

  async watchDocuments(
    onChange: (change: DocumentChange) => void, signal: AbortSignal,
  ): Promise<void> {
    await new Follower(this.#connection, this.#keys, this.#keys.documents, {
      list: (kvs, revision) => onChange({
        revision, reset: true,
        documents: this.#documents(kvs).map((document) => ({ name: document.name, document })),
      }),
      events: (events, revision) => onChange({
        revision, reset: false,
        documents: events.flatMap(({ type, kv }) => {
          const key = this.#keys.parse(kv.key);
          if (key?.kind !== 'document') return [];
          const [document = null] = type === 'Put' ? this.#documents([kv]) : [];
          return [{ name: key.name, document }];
        }),
      }),
      // Those who follow ownership are told how the store is, and that is told once.
      state: () => undefined,
    }).run(signal);
  }

  async setDrain(node: string, drained: boolean, signal: AbortSignal): Promise<void> {
    checkName('node', node);
    await ensureMarker(this.#connection, this.#keys, signal);
    const key = this.#keys.drain(node);
    await this.#connection.call('txn', {
      // Only a change is a change: what is set already keeps its revision.
      compare: drained ? [unchanged(key, 0)] : [],
      success: [drained ? put(key, Buffer.from('true')) : remove(key)],
    }, signal, true);
  }

  async requestMove(move: MoveRequest, signal: AbortSignal): Promise<void> {
    checkName('node', move.to);
    checkName('address', move.eip);
    await ensureMarker(this.#connection, this.#keys, signal);
    const { ID } = await this.#connection.call('leaseGrant', { TTL: moveLifetimeSeconds }, signal);
    await this.#connection.call('txn', {
      success: [put(this.#keys.move(move.eip), encodeMove(move), ID)],
    }, signal);
  }

  async settleMoves(eips: readonly Eip[], signal: AbortSignal): Promise<void> {
    for (const some of chunks([...new Set(eips)], maxTxnOps)) {
      await this.#connection.call('txn', {
        success: some.map((eip) => remove(this.#keys.move(eip))),
      }, signal, true);
    }
  }

  #documents(kvs: readonly IKeyValue[]): StoredDocument[] {
    return kvs.flatMap(({ key, value, mod_revision }) => {
      const parsed = this.#keys.parse(key);
      if (parsed?.kind !== 'document') return [];
      return [{ name: parsed.name, text: value.toString('utf8'), revision: Number(mod_revision) }];
    });
  }
}
