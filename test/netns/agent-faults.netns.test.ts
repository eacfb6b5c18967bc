import { describe } from 'node:test';
import { faultTable } from './agent-fault-table.ts';

describe('with etcd as the store', () => { faultTable('etcd'); });
