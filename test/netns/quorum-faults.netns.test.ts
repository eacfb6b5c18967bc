import { describe } from 'node:test';
import { quorumFaultTable } from './quorum-fault-table.ts';

describe('in quorum mode, with etcd as the store', () => { quorumFaultTable('etcd'); });
